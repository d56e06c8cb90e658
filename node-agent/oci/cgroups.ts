/** Where a container's cgroup is, what stops and continues it, and its removal. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSteps } from '#native/spawn.ts';
import { pruneCgroups, removeCgroup } from '../container/cgroup-files.ts';
import { directoriesOf, type Hierarchies, readHierarchies } from '../container/cgroups.ts';
import type { State } from './state.ts';

export { type Hierarchies, readHierarchies };

/** Containers that do not say where they want to be counted. */
const ownRoot = '/bayplan-oci';

/** The specification: absolute is below the mount points; relative is where we like, the same for the same. */
export function cgroupOf(id: string, wanted: string | null | undefined): string {
  if (!wanted) return `${ownRoot}/${id}`;
  const parts = wanted.split('/').filter((part) => part !== '' && part !== '.');
  return wanted.startsWith('/') ? `/${parts.join('/')}` : `${ownRoot}/${parts.join('/')}`;
}

/** The topmost of a cgroup and those above it that is not there yet. */
export function topmostMissing(hierarchies: Hierarchies, path: string): string | undefined {
  const parts = path.split('/').slice(1);
  const levels = parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
  return levels.find((level) => !directoriesOf(hierarchies, level).some((at) => existsSync(at)));
}

/** Kills what is in it and removes what was made for the container; what was there before stays. */
export async function removeCgroupOf(state: State): Promise<void> {
  if (state.cgroupMade === undefined) return;
  const hierarchies = await readHierarchies();
  await thaw(hierarchies, state.cgroup);
  await removeCgroup(hierarchies, state.cgroup);
  await pruneCgroups(hierarchies, state.cgroup, state.cgroupMade);
}

interface Freezer {
  readonly stateFile: string;
  readonly frozen: string;
  readonly thawed: string;
  /** True once all have stopped. */
  readonly isDone: () => boolean;
}

/** v2's where there is one: a v1 freezer lets stopped processes be killed only after they are let go. */
export function freezerOf(hierarchies: Hierarchies, cgroup: string): Freezer | undefined {
  if (hierarchies.v2 !== undefined) {
    const directory = hierarchies.v2 + cgroup;
    const isDone = () => readFileSync(`${directory}/cgroup.events`, 'utf8').includes('frozen 1');
    return { stateFile: `${directory}/cgroup.freeze`, frozen: '1', thawed: '0', isDone };
  }
  const v1 = (hierarchies.v1 as Readonly<Record<string, string | undefined>>)['freezer'];
  if (v1 === undefined) return;
  const stateFile = `${v1}${cgroup}/freezer.state`;
  const isDone = () => readFileSync(stateFile, 'utf8').trim() === 'FROZEN';
  return { stateFile, frozen: 'FROZEN', thawed: 'THAWED', isDone };
}

const freezeTimeoutMs = 10_000;

/** Resolves when every process stands still. */
export async function freeze(hierarchies: Hierarchies, cgroup: string): Promise<void> {
  const freezer = freezerOf(hierarchies, cgroup);
  if (freezer === undefined) throw new Error('pause: this machine has no freezer for cgroups');
  const { stateFile, frozen, thawed, isDone } = freezer;
  await runSteps([['write', stateFile, frozen]]);
  for (const deadline = Date.now() + freezeTimeoutMs; !isDone(); await sleep(1)) {
    if (Date.now() < deadline) continue;
    await runSteps([['write', stateFile, thawed]]);
    throw new Error(
      `pause: processes of ${cgroup} did not stop within ${freezeTimeoutMs / 1000} s`,
    );
  }
}

/** Lets them go on; nothing there is no error. */
export async function thaw(hierarchies: Hierarchies, cgroup: string): Promise<void> {
  const freezer = freezerOf(hierarchies, cgroup);
  if (freezer === undefined || !existsSync(freezer.stateFile)) return;
  await runSteps([['write', freezer.stateFile, freezer.thawed]]);
}

/** The processes of a cgroup and of those below it, in our pid namespace. */
export function pidsOf(hierarchies: Hierarchies, cgroup: string): number[] {
  const directory = directoriesOf(hierarchies, cgroup)[0];
  if (directory === undefined) return [];
  return [...new Set(pidsBelow(directory))].sort((a, b) => a - b);
}

function pidsBelow(directory: string): number[] {
  try {
    const own = readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
    const entries = readdirSync(directory, { withFileTypes: true });
    const below = entries.filter((entry) => entry.isDirectory());
    return [...own.map(Number), ...below.flatMap(({ name }) => pidsBelow(`${directory}/${name}`))];
  } catch (error) {
    // A v2 threaded group, or one that was just removed.
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return [];
    throw error;
  }
}
