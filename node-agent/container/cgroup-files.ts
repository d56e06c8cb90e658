/** What is read from and done to cgroups that exist: figures, killing everything, removing a tree. */

import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSteps } from '#native/spawn.ts';
import {
  controllerDirectory,
  directoriesOf,
  type Hierarchies,
  v1Directories,
  v2Directory,
} from './cgroups.ts';
import type { ContainerStats } from './runtime.ts';

const absent = (error: unknown): boolean =>
  ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (absent(error)) return '';
    throw error;
  }
}

/** The value of `name value` in a file of such lines; 0 if it is not there. */
const fieldOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);

async function cpuNanos(hierarchies: Hierarchies, path: string): Promise<number> {
  const found = controllerDirectory(hierarchies, 'cpuacct', path);
  if (found === undefined) return 0;
  if (found.version === 1) return Number(await read(`${found.directory}/cpuacct.usage`));
  return fieldOf(await read(`${found.directory}/cpu.stat`), 'usage_usec') * 1000;
}

/** Used memory without what the kernel would give back at once: the working set, as Kubernetes counts it. */
async function memoryBytes(hierarchies: Hierarchies, path: string): Promise<number> {
  const found = controllerDirectory(hierarchies, 'memory', path);
  if (found === undefined) return 0;
  const usage = found.version === 1 ? 'memory.usage_in_bytes' : 'memory.current';
  const idle = found.version === 1 ? 'total_inactive_file' : 'inactive_file';
  const [used, stat] = await Promise.all([
    read(`${found.directory}/${usage}`),
    read(`${found.directory}/memory.stat`),
  ]);
  return Math.max(0, Number(used) - fieldOf(stat, idle));
}

async function pids(hierarchies: Hierarchies, path: string): Promise<number> {
  const found = controllerDirectory(hierarchies, 'pids', path);
  return found === undefined ? 0 : Number(await read(`${found.directory}/pids.current`));
}

/** A cgroup's figures; 0 for what this machine does not count. */
export async function cgroupStats(hierarchies: Hierarchies, path: string): Promise<ContainerStats> {
  const [cpu, memory, count] = await Promise.all([
    cpuNanos(hierarchies, path),
    memoryBytes(hierarchies, path),
    pids(hierarchies, path),
  ]);
  return { cpuNanos: cpu, memoryBytes: memory, pids: count };
}

async function processesOf(directory: string): Promise<number[]> {
  const text = await read(`${directory}/cgroup.procs`);
  return text
    .split('\n')
    .filter((line) => line !== '' && line !== '0')
    .map(Number);
}

async function killV2(directory: string): Promise<boolean> {
  try {
    await writeFile(`${directory}/cgroup.kill`, '1', { flag: 'r+' });
    return true;
  } catch (error) {
    if (absent(error)) return false;
    throw error;
  }
}

const killRounds = 200;

/**
 * SIGKILL to every process of a cgroup: at once where v2 has `cgroup.kill`, otherwise round after round until none is
 * left, because a process may fork between reading the list and killing it. Resolves when the list is empty.
 */
export async function killCgroup(hierarchies: Hierarchies, path: string): Promise<void> {
  const v2 = v2Directory(hierarchies, path);
  if (v2 !== '') await killV2(v2);
  const watched = v1Directories(hierarchies, path)[0] ?? v2;
  for (let round = 0; round < killRounds && watched !== ''; round++) {
    const left = await processesOf(watched);
    if (left.length === 0) return;
    for (const pid of left) killQuietly(pid);
    await sleep(Math.min(round, 20));
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended by itself in between.
  }
}

/** The directories below `directory`, deepest first, itself last. */
async function treeOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (absent(error)) return undefined;
    throw error;
  });
  if (entries === undefined) return [];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const trees = await Promise.all(below.map((name) => treeOf(`${directory}/${name}`)));
  return [...trees.flat(), directory];
}

/** Kills what is in a cgroup and below it, and removes all of it. Nothing there is no error. */
export async function removeCgroup(hierarchies: Hierarchies, path: string): Promise<void> {
  const trees = await Promise.all(directoriesOf(hierarchies, path).map(treeOf));
  const present = trees.flat();
  if (present.length === 0) return;
  const names = new Set(
    trees.flatMap((tree) => tree.map((directory) => directory.slice((tree.at(-1) ?? '').length))),
  );
  for (const name of names) await killCgroup(hierarchies, path + name);
  await runSteps(present.map((directory) => ['rmdir', directory, ''] as const));
}

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
    for (const directory of directoriesOf(hierarchies, at)) {
      await rmdir(directory).catch(() => undefined);
    }
  }
}
