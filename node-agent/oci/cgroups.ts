/** Where a container's cgroup is, what stops and continues it, and its removal. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { runSteps } from '#native/spawn.ts';
import {
  freezeSteps,
  isFrozen,
  pruneCgroups,
  removeCgroup,
  thawSteps,
} from '../container/cgroup-files.ts';
import { directoriesOf, type Hierarchies, readHierarchies } from '../container/cgroups.ts';
import { isAlive } from './process-name.ts';
import type { State } from './state.ts';

export type { Hierarchies };

/** Those that a container's cgroup is in, if it has one. */
export const hierarchiesOf = async ({
  hierarchies,
}: {
  readonly hierarchies?: Hierarchies | undefined;
}): Promise<Hierarchies> => hierarchies ?? readHierarchies();

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
  const hierarchies = await hierarchiesOf(state);
  await thaw(hierarchies, state.cgroup);
  await removeCgroup(hierarchies, state.cgroup);
  await pruneCgroups(hierarchies, state.cgroup, state.cgroupMade);
}

/** Resolves when every process stands still; who cannot be frozen as a whole is not left half frozen. */
export async function freeze(hierarchies: Hierarchies, cgroup: string): Promise<void> {
  try {
    await runSteps(freezeSteps(hierarchies, cgroup));
  } catch (error) {
    await thaw(hierarchies, cgroup).catch(() => undefined);
    throw error;
  }
}

/** Lets them go on; nothing there, or nothing frozen, is no error. */
export async function thaw(hierarchies: Hierarchies, cgroup: string): Promise<void> {
  if (await isFrozen(hierarchies, cgroup)) await runSteps(thawSteps(hierarchies, cgroup));
}

/** Those of a container, for what only a cgroup can do. @throws Error where it could be given none */
export async function cgroupNeeded(state: State, what: string): Promise<Hierarchies> {
  const hierarchies = await hierarchiesOf(state);
  if (directoriesOf(hierarchies, state.cgroup).length > 0) return hierarchies;
  const why = 'it has no cgroup: none was delegated to who made it, nor is he root';
  throw new Error(`${what} ${state.id}: ${why}`);
}

/** The processes of a container, in our pid namespace. */
export async function pidsOf(state: State): Promise<number[]> {
  const directory = directoriesOf(await hierarchiesOf(state), state.cgroup)[0];
  if (directory === undefined) return namespacePids(state);
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

/** Without a cgroup: who is in its pid namespace, or its first process alone where that is not its own. */
function namespacePids({ init }: State): number[] {
  const namespaceOf = (pid: number | string) =>
    statSync(`/proc/${pid}/ns/pid`, { throwIfNoEntry: false })?.ino;
  if (init === undefined || !isAlive(init)) return [];
  const wanted = namespaceOf(init.pid);
  if (wanted === namespaceOf('self')) return [init.pid];
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const isIn = (pid: string) => {
    try {
      return namespaceOf(pid) === wanted;
    } catch {
      return false; // another user's
    }
  };
  return all.filter(isIn).map(Number);
}
