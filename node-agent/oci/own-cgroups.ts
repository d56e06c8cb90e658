/** The cgroups of who has no rights on the host: those below a v2 one that was delegated to him. */

import { accessSync, constants, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { controllersIn, type Hierarchies, readHierarchies } from '../container/cgroups.ts';

/** Both are written: to make cgroups there, and to move processes (cgroup-v2.rst, Delegation). */
function isOurs(directory: string): boolean {
  try {
    for (const path of [directory, `${directory}/cgroup.procs`]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The topmost of those that a cgroup is in, and itself, that is ours: in there processes may be moved. */
function topmostOurs(mountPoint: string, own: string): string | undefined {
  const parts = own.split('/').filter(Boolean);
  const all = [0, ...parts.map((_, index) => index + 1)].map((count) =>
    posix.join(mountPoint, ...parts.slice(0, count)),
  );
  return all.find(isOurs);
}

const read = (directory: string, file: string): string =>
  readFileSync(`${directory}/${file}`, 'utf8').trim();

/** What can be handed down: only what is already, where processes are in it themselves. */
const handedDown = (directory: string): string =>
  read(directory, 'cgroup.procs') === ''
    ? read(directory, 'cgroup.controllers')
    : read(directory, 'cgroup.subtree_control');

const none: Hierarchies = { v1: {}, v1Mounts: [], v2Controllers: [] };

/** Looks at this machine as its own user sees it: v1 is given to nobody. */
export async function ownHierarchies(): Promise<Hierarchies> {
  const { v2 } = await readHierarchies();
  const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (v2 === undefined || own === undefined || own.startsWith('/..')) return none;
  const directory = topmostOurs(v2, own);
  if (directory === undefined) return none;
  return { ...none, v2: directory, v2Controllers: controllersIn(handedDown(directory)) };
}
