/** What is done to cgroups that exist: killing everything, freezing, moving, removing a tree. */

import { constants, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSteps, type Step } from '#native/spawn.ts';
import type { Resources } from './cgroup-resources.ts';
import {
  createLeafSteps,
  directoriesOf,
  type Hierarchies,
  needsFurther,
  possibleDirectories,
  v1Directories,
  v2Directory,
} from './cgroups.ts';

const absent = (error: unknown): boolean =>
  ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');

/** A cgroup's file; empty if there is none. */
export async function readCgroupFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (absent(error)) return '';
    throw error;
  }
}

/** The processes of a cgroup's directory, as this process sees them. */
export async function processesOf(directory: string): Promise<number[]> {
  const text = await readCgroupFile(`${directory}/cgroup.procs`);
  return text
    .split('\n')
    .filter((line) => line !== '' && line !== '0')
    .map(Number);
}

/** The processes of a cgroup, whichever hierarchy tells. */
export const processesIn = (hierarchies: Hierarchies, path: string): Promise<number[]> =>
  processesOf(v2Directory(hierarchies, path) || (v1Directories(hierarchies, path)[0] ?? ''));

async function killV2(directory: string): Promise<boolean> {
  try {
    // Nobody may read it, whose it is neither.
    await writeFile(`${directory}/cgroup.kill`, '1', { flag: constants.O_WRONLY });
    return true;
  } catch (error) {
    if (absent(error)) return false;
    throw error;
  }
}

const killRounds = 200;

/**
 * SIGKILL to every process of a cgroup: at once where v2 has `cgroup.kill`, otherwise frozen, so that none forks between
 * reading the list and killing it, and round after round until none is left. Resolves when the list is empty.
 */
export async function killCgroup(hierarchies: Hierarchies, path: string): Promise<void> {
  const v2 = v2Directory(hierarchies, path);
  const atOnce = v2 !== '' && (await killV2(v2));
  const watched = v1Directories(hierarchies, path)[0] ?? v2;
  for (let round = 0; round < killRounds && watched !== ''; round++) {
    if ((await processesOf(watched)).length === 0) return;
    if (!atOnce || round > 0) await killRound(hierarchies, path, watched);
    await sleep(Math.min(round, 20));
  }
}

async function killRound(hierarchies: Hierarchies, path: string, watched: string): Promise<void> {
  const frozen = hierarchies.v2 === undefined && hierarchies.v1.freezer !== undefined;
  if (frozen) await runSteps(freezeSteps(hierarchies, path)).catch(() => undefined);
  for (const pid of await processesOf(watched)) killQuietly(pid);
  if (frozen) await runSteps(thawSteps(hierarchies, path)).catch(() => undefined);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended by itself in between.
  }
}

/** The processes of a cgroup and of those below it. */
export async function processesBelow(hierarchies: Hierarchies, path: string): Promise<number[]> {
  const top = v2Directory(hierarchies, path) || (v1Directories(hierarchies, path)[0] ?? '');
  if (top === '') return [];
  const below = await readdir(top, { recursive: true, withFileTypes: true }).catch(() => []);
  const directories = below.filter((one) => one.isDirectory());
  const places = [top, ...directories.map(({ parentPath, name }) => `${parentPath}/${name}`)];
  const found = await Promise.all(places.map((one) => processesOf(one).catch(() => [])));
  return [...new Set(found.flat())].sort((a, b) => a - b);
}

/** Where a cgroup is frozen: v2 does it itself, at once; v1 has a controller for it. */
function freezer(hierarchies: Hierarchies, path: string, frozen: boolean): Step[] {
  const v2 = v2Directory(hierarchies, path);
  if (v2 !== '') {
    const bit = frozen ? '1' : '0';
    return [
      ['write', `${v2}/cgroup.freeze`, bit],
      ['await', `${v2}/cgroup.events`, `frozen ${bit}`],
    ];
  }
  const { freezer: mountPoint } = hierarchies.v1;
  if (mountPoint === undefined)
    throw new Error(`freeze cgroup ${path}: no freezer on this machine`);
  const state = frozen ? 'FROZEN' : 'THAWED';
  return [
    ['write', `${mountPoint}${path}/freezer.state`, state],
    ['await', `${mountPoint}${path}/freezer.state`, state],
  ];
}

/** Stops every process of a cgroup, and waits until they stand still. */
export const freezeSteps = (hierarchies: Hierarchies, path: string): Step[] =>
  freezer(hierarchies, path, true);

export const thawSteps = (hierarchies: Hierarchies, path: string): Step[] =>
  freezer(hierarchies, path, false);

/** Whether somebody froze a cgroup. */
export async function isFrozen(hierarchies: Hierarchies, path: string): Promise<boolean> {
  const v2 = v2Directory(hierarchies, path);
  if (v2 !== '') return (await readCgroupFile(`${v2}/cgroup.freeze`)).trim() === '1';
  const { freezer: mountPoint } = hierarchies.v1;
  if (mountPoint === undefined) return false;
  // FREEZING: asked for, and not all stand still yet. No file: there is nothing that could be frozen.
  const state = (await readCgroupFile(`${mountPoint}${path}/freezer.state`)).trim();
  return state === 'FROZEN' || state === 'FREEZING';
}

/** The directories that a cgroup has for the sake of its limits only: a v1 cpuset, for one. */
function rareDirectories(hierarchies: Hierarchies, path: string, wanted: Resources): string[] {
  const usual = directoriesOf(hierarchies, path);
  return directoriesOf(hierarchies, path, wanted).filter((one) => !usual.includes(one));
}

/**
 * After an update asks for a controller that the cgroup may not be in (a v1 cpuset): makes it there; `moveInto` brings
 * the processes. Empty when there is nothing to do; done twice, it is done once: an update may have been interrupted.
 */
export const widenSteps = (hierarchies: Hierarchies, path: string, wanted: Resources): Step[] =>
  needsFurther(hierarchies, wanted) ? createLeafSteps(hierarchies, path, wanted) : [];

/** Moves the processes of a cgroup into those directories of it that only these limits need. */
export async function moveInto(
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources,
): Promise<void> {
  for (const directory of rareDirectories(hierarchies, path, wanted)) {
    // A process that forks meanwhile is in the list of the next round.
    for (let left = -1; left !== 0; ) {
      const inside = new Set(await processesOf(directory));
      const missing = (await processesIn(hierarchies, path)).filter((pid) => !inside.has(pid));
      left = missing.length;
      for (const pid of missing) {
        await writeFile(`${directory}/cgroup.procs`, String(pid)).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        });
      }
    }
  }
}

/** Kills what is in a cgroup and below it, and removes all of it. Nothing there is no error. */
export const removeCgroup = (hierarchies: Hierarchies, path: string): Promise<void> =>
  runSteps(removeCgroupSteps(hierarchies, path));

/** v2 first: it kills all at once. */
export const removeCgroupSteps = (hierarchies: Hierarchies, path: string): Step[] =>
  possibleDirectories(hierarchies, path)
    .toReversed()
    .map((directory) => ['uproot', directory, '']);

/** The cgroups right below one, in whichever hierarchy. */
export async function childCgroups(hierarchies: Hierarchies, path: string): Promise<string[]> {
  const found = await Promise.all(
    possibleDirectories(hierarchies, path).map((directory) => namesIn(directory)),
  );
  return [...new Set(found.flat().map((name) => `${path}/${name}`))];
}

/** Processes that are ending keep a cgroup busy for some milliseconds more; what has others below it stays. */
async function removeUnused(directory: string): Promise<void> {
  for (let left = 50; left > 0; left -= 1) {
    const reason = await rmdir(directory).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (reason !== 'EBUSY' || (await namesIn(directory)).length > 0) return;
    await sleep(10);
  }
}

/** The cgroups right below a directory; none when it is gone. */
const namesIn = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};

/** Removes the cgroups above `path` up to and with `root`, as far as nobody uses them. */
export async function pruneCgroups(
  hierarchies: Hierarchies,
  path: string,
  root: string,
): Promise<void> {
  for (
    let at = path;
    at.startsWith(root) && at !== '' && at !== '/';
    at = at.replace(/\/[^/]*$/, '')
  ) {
    for (const directory of possibleDirectories(hierarchies, at)) {
      await removeUnused(directory);
    }
  }
}
