/** The ends of containers that no supervisor told. */

import { runSteps } from '#native/spawn.ts';
import { killCgroup } from './cgroup-files.ts';
import type { Hierarchies } from './cgroups.ts';
import type { Container } from './container.ts';
import { type ExitedPhase, exitStep, readExit, readState, timeOf } from './records.ts';

const now = (): string => timeOf(BigInt(Date.now()) * 1_000_000n);

/** The end of a container that nobody saw: Kubernetes' ContainerStatusUnknown has 137, containerd 255. */
function unknownExit(startedAt: string): ExitedPhase {
  return {
    phase: 'exited',
    exitCode: 255,
    oomKilled: false,
    startedAt,
    finishedAt: now(),
    reason: 'Unknown',
    message: 'The supervisor of the container was killed: how the container ended is not known.',
  };
}

/** What is on disk counts; otherwise nobody knows, what may be left of it is killed, and that is written down. */
async function endOf(
  hierarchies: Hierarchies,
  { directory, cgroup }: Container,
  unseen: (startedAt: string) => ExitedPhase,
): Promise<ExitedPhase> {
  const [stored, state] = await Promise.all([readExit(directory), readState(directory)]);
  if (stored !== undefined) return stored;
  await killCgroup(hierarchies, cgroup);
  const exit = unseen(state?.startedAt ?? now());
  // Full disks, or a record that was removed meanwhile, change nothing of it.
  await runSteps([exitStep(directory, exit)]).catch(() => undefined);
  return exit;
}

/** The end of a container whose supervisor is gone and did not say it. */
export const lostExit = (hierarchies: Hierarchies, container: Container): Promise<ExitedPhase> =>
  endOf(hierarchies, container, unknownExit);

/** The end of a container that an earlier agent began to start, and whose supervisor could not. */
export const interruptedStart = (
  hierarchies: Hierarchies,
  container: Container,
): Promise<ExitedPhase> =>
  endOf(hierarchies, container, (startedAt) => ({
    phase: 'exited',
    exitCode: 128,
    oomKilled: false,
    startedAt,
    finishedAt: now(),
    reason: 'StartError',
    message: `start container ${container.spec.id}: the agent ended meanwhile, and the supervisor failed: it never ran`,
  }));
