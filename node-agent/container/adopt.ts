/** Finds the containers an earlier agent left, and takes each over, reports its end, or undoes its half-made start. */

import { NativeError } from '#native/binding.ts';
import { decodeStarted, encodeNumbers, frame } from '#native/frames.ts';
import { runSteps } from '#native/spawn.ts';
import { isFrozen, killCgroup, removeCgroupSteps } from './cgroup-files.ts';
import type { Hierarchies } from './cgroups.ts';
import { SupervisorConnection } from './connection.ts';
import type { Container } from './container.ts';
import {
  type ExitedPhase,
  exitStep,
  namesIn,
  readContainer,
  readExit,
  readState,
  timeOf,
} from './records.ts';
import type { ContainerSpec } from './runtime.ts';

export interface Adoption {
  readonly place: string;
  readonly hierarchies: Hierarchies;
  readonly make: (facts: {
    readonly spec: ContainerSpec;
    readonly directory: string;
    readonly cgroup: string;
  }) => Container;
}

/** The end of a container that nobody saw: Kubernetes' ContainerStatusUnknown has 137, containerd 255. */
export function unknownExit(startedAt: string): ExitedPhase {
  return {
    phase: 'exited',
    exitCode: 255,
    oomKilled: false,
    startedAt,
    finishedAt: timeOf(BigInt(Date.now()) * 1_000_000n),
    reason: 'Unknown',
    message: 'The supervisor of the container was killed: how the container ended is not known.',
  };
}

/** Every container there is a trace of. Nothing is left of those that never ran. */
export async function adoptContainers(adoption: Adoption): Promise<Container[]> {
  const names = await namesIn(adoption.place);
  const adopted = await Promise.all(names.map((name) => adopt(adoption, name)));
  return adopted.filter((container) => container !== undefined);
}

async function adopt(adoption: Adoption, name: string): Promise<Container | undefined> {
  const directory = `${adoption.place}/${name}`;
  const stored = await readContainer(directory);
  if (stored === undefined) {
    // The specification is the first thing written: nothing else was made.
    await runSteps([['remove', directory, '']]);
    return;
  }
  const { spec, cgroup } = stored;
  const container = adoption.make({ spec, directory, cgroup });
  if (await takeOver(container)) {
    if (await isFrozen(adoption.hierarchies, cgroup)) container.pauses(true);
    return container;
  }
  if (await report(container)) return container;
  return finish(adoption.hierarchies, container);
}

/** Connects to the supervisor; false when there is none, or it ends just now. */
async function takeOver(container: Container): Promise<boolean> {
  const connection = controlOf(container);
  if (connection === undefined) return false;
  connection.sendEncoded(encodeNumbers(frame.status));
  const answer = await connection.next();
  if (answer?.type !== frame.started) {
    connection.close();
    return false;
  }
  const { pid, started } = decodeStarted(answer.payload);
  container.runs(connection, { pid, startedAt: timeOf(started) });
  return true;
}

function controlOf({ directory }: Container): SupervisorConnection | undefined {
  try {
    return SupervisorConnection.control(directory);
  } catch (error) {
    if (error instanceof NativeError && ['ENOENT', 'ECONNREFUSED'].includes(error.code)) return;
    throw error;
  }
}

/** The end that was written down; false when there is none. */
async function report(container: Container): Promise<boolean> {
  const exit = await readExit(container.directory);
  if (exit !== undefined) container.ends(exit);
  return exit !== undefined;
}

/** There is no supervisor and no record of an end: it was lost while running, or never came to run. */
async function finish(
  hierarchies: Hierarchies,
  container: Container,
): Promise<Container | undefined> {
  const { directory, cgroup } = container;
  const state = await readState(directory);
  if (state === undefined) {
    await runSteps([...removeCgroupSteps(hierarchies, cgroup), ['remove', directory, '']]);
    return;
  }
  await killCgroup(hierarchies, cgroup);
  const exit = unknownExit(state.startedAt);
  await runSteps([exitStep(directory, exit)]);
  container.ends(exit);
  return container;
}

/** The end of a container whose supervisor is gone and did not say it: written down, or nobody knows, and it is killed. */
export async function lostExit(
  hierarchies: Hierarchies,
  { directory, cgroup, state }: Container,
): Promise<ExitedPhase> {
  const stored = await readExit(directory);
  if (stored !== undefined) return stored;
  await killCgroup(hierarchies, cgroup);
  const exit = unknownExit(state.phase === 'running' ? state.startedAt : '');
  await runSteps([exitStep(directory, exit)]).catch(() => undefined);
  return exit;
}
