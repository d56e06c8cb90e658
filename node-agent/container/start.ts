/** Starts a container's supervisor and turns what it says into a connection, or into a StartError. */

import { getSystemErrorMessage } from 'node:util';
import { encodeContainer } from '#native/encode.ts';
import { decodeFailed, type Failed, frame } from '#native/frames.ts';
import { runSteps, type Step, startSupervisor } from '#native/spawn.ts';
import { checkResources } from './cgroup-check.ts';
import { deviceSteps } from './cgroup-devices.ts';
import { limitSteps } from './cgroup-limits.ts';
import { createLeafSteps } from './cgroups.ts';
import { SupervisorConnection } from './connection.ts';
import { filterSteps } from './container-filter.ts';
import { containerSteps, type ExitedPhase, exitStep, timeOf } from './records.ts';
import { type ContainerSpec, StartError } from './runtime.ts';
import type { Surroundings } from './surroundings.ts';
import { wireContainer } from './wire-spec.ts';

export type StartResult =
  | {
      readonly type: 'started';
      readonly connection: SupervisorConnection;
      readonly supervisor: number;
      /** Of the `started` frame. */
      readonly payload: Buffer;
    }
  | { readonly type: 'failed'; readonly error: StartError; readonly exit: ExitedPhase };

const headerBytes = 8;

/** The state directory comes first, then the writable layer: whatever is interrupted can be found. */
function firstSteps(around: Surroundings, directory: string): Step[] {
  const { spec, cgroup } = around;
  return [
    ...containerSteps(directory, { version: 1, cgroup, spec }),
    ...filterSteps(directory, spec, around.seccomp),
    ['mkdir', spec.layerDir, '711'],
    ['mkdir', `${spec.layerDir}/upper`, '755'],
    ['mkdir', `${spec.layerDir}/work`, '700'],
  ];
}

function cgroupSteps({ hierarchies, cgroup, spec, devices }: Surroundings): Step[] {
  const { resources, privileged } = spec;
  checkResources(resources);
  return [
    ...createLeafSteps(hierarchies, cgroup, resources),
    ...limitSteps(hierarchies, cgroup, resources),
    ...deviceSteps(hierarchies, cgroup, { ...resources, privileged, more: devices.rules }),
  ];
}

/** A failure is an answer here, not an exception: its record is on disk as an ended container's. */
export async function startContainer(
  spec: ContainerSpec,
  directory: string,
  surroundings: Promise<Surroundings>,
): Promise<StartResult> {
  try {
    const around = await surroundings;
    const {
      pid,
      socket,
      frame: bytes,
    } = await startSupervisor({
      directory,
      id: spec.id,
      before: firstSteps(around, directory),
      meanwhile: cgroupSteps(around),
      spec: encodeContainer(wireContainer(around)),
    });
    const payload = bytes.subarray(headerBytes);
    if (bytes[4] !== frame.started) return await failed(directory, refusal(spec, payload));
    const connection = SupervisorConnection.adopt(socket);
    return { type: 'started', connection, supervisor: pid, payload };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `start container ${spec.id}: ${why}`;
    return failed(directory, new StartError(message, 128, { cause }));
  }
}

function exitCodeOf(code: number): 126 | 127 | 128 {
  return code === 126 || code === 127 ? code : 128;
}

/** In the words of runc, which Kubernetes' and Docker's users know. */
function refusal(spec: ContainerSpec, payload: Buffer): StartError {
  const failure = decodeFailed(payload);
  return new StartError(refusalMessage(spec.id, failure), exitCodeOf(failure.exitCode));
}

/** What a supervisor could not do, for a message. */
export function refusalMessage(id: string, { errno, exitCode, what, path }: Failed): string {
  const why = errno === 0 ? 'unknown reason' : getSystemErrorMessage(-errno);
  if (exitCode === 127 && !path.includes('/')) {
    return `exec: ${JSON.stringify(path)}: executable file not found in $PATH`;
  }
  if (exitCode !== 128) return `exec: ${JSON.stringify(path)}: ${why}`;
  return `start container ${id}: ${what} ${path}: ${why}`;
}

async function failed(directory: string, error: StartError): Promise<StartResult> {
  const now = timeOf(BigInt(Date.now()) * 1_000_000n);
  const exit: ExitedPhase = {
    phase: 'exited',
    exitCode: error.exitCode,
    oomKilled: false,
    startedAt: now,
    finishedAt: now,
    reason: 'StartError',
    message: error.message,
  };
  // Full or broken disks must not hide why the start failed.
  await runSteps([['mkdir', directory, '700'], exitStep(directory, exit)]).catch(() => undefined);
  return { type: 'failed', error, exit };
}
