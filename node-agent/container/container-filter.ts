/**
 * The seccomp filter of one container. That of a profile file is kept beside the container's state,
 * so that what is run in it later has the filter it was started with, whatever became of the file.
 */

import { readFile } from 'node:fs/promises';
import type { Step } from '#native/spawn.ts';
import type { Hierarchies } from './cgroups.ts';
import type { ContainerSpec, SeccompProfile } from './runtime.ts';
import { filterFor } from './seccomp/filter.ts';
import { capabilitiesOf } from './wire-process.ts';

const fileOf = (directory: string): string => `${directory}/seccomp`;

/** What counts if the specification does not say. */
const profileOf = ({ seccomp, privileged }: ContainerSpec): SeccompProfile =>
  seccomp ?? { type: privileged ? 'Unconfined' : 'RuntimeDefault' };

/** To be done when the container's state directory has been made. */
export const filterSteps = (directory: string, spec: ContainerSpec, program: Uint8Array): Step[] =>
  profileOf(spec).type === 'Localhost'
    ? [['create', fileOf(directory), Buffer.from(program).toString('base64')]]
    : [];

async function keptFilter(directory: string): Promise<Uint8Array | undefined> {
  try {
    return Buffer.from(await readFile(fileOf(directory), 'utf8'), 'base64');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
}

/**
 * The container's filter (empty: none): the one it was started with, or a new one. `directory`: of
 * its state. `log` is told of names in a profile that are no system call here.
 * @throws Error naming the profile and what is wrong with it
 */
export async function containerFilter(options: {
  readonly spec: ContainerSpec;
  readonly hierarchies: Hierarchies;
  readonly directory: string;
  readonly log: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined;
}): Promise<Uint8Array> {
  const { spec, hierarchies, directory, log } = options;
  const profile = profileOf(spec);
  const kept = profile.type === 'Localhost' ? await keptFilter(directory) : undefined;
  if (kept !== undefined) return kept;
  const { program, unknown } = await filterFor(profile, capabilitiesOf(spec, hierarchies));
  if (unknown.length > 0) {
    log?.('seccomp profile names unknown system calls', { container: spec.id, profile, unknown });
  }
  return program;
}
