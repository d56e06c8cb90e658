/** What is done to a container's cgroup while it lives: new limits, pausing, figures of its end. */

import { runSteps } from '#native/spawn.ts';
import { freezeSteps, thawSteps } from './cgroup-files.ts';
import { oomMessage } from './cgroup-oom.ts';
import type { Resources } from './cgroup-resources.ts';
import { updateCgroup } from './cgroup-update.ts';
import type { Hierarchies } from './cgroups.ts';
import type { Container } from './container.ts';
import { type ExitedPhase, specStep } from './records.ts';

/**
 * Gives a running container new limits and keeps them with its specification.
 * @throws ResourceError, NativeError; what was refused is not kept
 */
export async function updateContainer(
  hierarchies: Hierarchies,
  container: Container,
  change: Resources,
): Promise<void> {
  const { cgroup, directory, spec, state } = container;
  if (state.phase !== 'running') {
    throw new Error(`update container ${spec.id}: it is not running`);
  }
  const keep = async (resources: Resources) => {
    container.spec = { ...container.spec, resources };
    await runSteps([specStep(directory, { version: 1, cgroup, spec: container.spec })]);
  };
  await updateCgroup(hierarchies, cgroup, { present: spec.resources, change, keep });
}

/** Stops all processes of a container. Done already is no error. */
export const pauseContainer = (hierarchies: Hierarchies, container: Container): Promise<void> =>
  setPaused(hierarchies, container, true);

/** Lets them go on. */
export const resumeContainer = (hierarchies: Hierarchies, container: Container): Promise<void> =>
  setPaused(hierarchies, container, false);

async function setPaused(
  hierarchies: Hierarchies,
  container: Container,
  paused: boolean,
): Promise<void> {
  const { cgroup, spec, state } = container;
  const verb = paused ? 'pause' : 'resume';
  if (state.phase !== 'running') throw new Error(`${verb} container ${spec.id}: it is not running`);
  try {
    await runSteps((paused ? freezeSteps : thawSteps)(hierarchies, cgroup));
  } catch (cause) {
    // One that cannot be frozen as a whole is not left half frozen.
    if (paused) await runSteps(thawSteps(hierarchies, cgroup)).catch(() => undefined);
    throw new Error(`${verb} container ${spec.id}: ${(cause as Error).message}`, { cause });
  }
  container.pauses(paused);
}

/** An end for lack of memory with the facts; any other as it is. */
export async function explainedExit(
  hierarchies: Hierarchies,
  { cgroup }: Container,
  exit: ExitedPhase,
): Promise<ExitedPhase> {
  if (!exit.oomKilled) return exit;
  const message = await oomMessage(hierarchies, cgroup).catch(() => undefined);
  return message === undefined ? exit : { ...exit, message };
}
