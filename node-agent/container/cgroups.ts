/**
 * Where cgroups are on this machine, found per controller: v1, v2 and hybrid (limits on v1, identity on v2) are the same
 * code with different answers. Pure but for `readHierarchies`.
 */

import { readFile } from 'node:fs/promises';
import type { Step } from '#native/spawn.ts';

/** The controllers a container's limits and figures need. */
export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'devices';

const wanted: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'devices'];
/** Those that a v2 hierarchy must hand down by `cgroup.subtree_control` (devices are BPF programs there). */
const handedDown: readonly Controller[] = ['cpu', 'memory', 'pids'];

export interface Hierarchies {
  /** Mount point of each controller's v1 hierarchy. */
  readonly v1: Readonly<Partial<Record<Controller, string>>>;
  /** Those mount points, each once. */
  readonly v1Mounts: readonly string[];
  /** Mount point of the v2 hierarchy. */
  readonly v2?: string;
  /** The controllers that the v2 hierarchy has. */
  readonly v2Controllers: readonly Controller[];
}

/** proc_pid_mountinfo(5) escapes space, tab, newline and backslash as octal. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** Reads the text of /proc/self/mountinfo; `v2Controllers` is the text of the v2 root's `cgroup.controllers`. */
export function hierarchiesOf(mountinfo: string, v2Controllers: string): Hierarchies {
  const v1: Partial<Record<Controller, string>> = {};
  let v2: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    if (before === undefined || after === undefined) continue;
    const mountPoint = unescaped(before.split(' ')[4] ?? '');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') v2 ??= mountPoint;
    if (type !== 'cgroup') continue;
    for (const name of wanted) if (options.split(',').includes(name)) v1[name] ??= mountPoint;
  }
  const present = v2Controllers.trim().split(/\s+/);
  return {
    v1,
    v1Mounts: [...new Set(Object.values(v1))],
    ...(v2 === undefined ? {} : { v2 }),
    v2Controllers: handedDown.filter((name) => present.includes(name) && v1[name] === undefined),
  };
}

/** The mount point of the v2 hierarchy, if there is one. */
export const v2MountOf = (mountinfo: string): string | undefined => hierarchiesOf(mountinfo, '').v2;

/** Looks at this machine. */
export async function readHierarchies(): Promise<Hierarchies> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  const v2 = v2MountOf(mountinfo);
  const controllers = v2 === undefined ? '' : await readFile(`${v2}/cgroup.controllers`, 'utf8');
  return hierarchiesOf(mountinfo, controllers);
}

/** The directories of one cgroup in every v1 hierarchy; controllers mounted together share one. */
export function v1Directories({ v1Mounts }: Hierarchies, path: string): string[] {
  return v1Mounts.map((mountPoint) => mountPoint + path);
}

/** The directory of a cgroup in the v2 hierarchy, or empty. */
export const v2Directory = (hierarchies: Hierarchies, path: string): string =>
  hierarchies.v2 === undefined ? '' : hierarchies.v2 + path;

/** All directories of a cgroup. */
export function directoriesOf(hierarchies: Hierarchies, path: string): string[] {
  const v2 = v2Directory(hierarchies, path);
  return v2 === '' ? v1Directories(hierarchies, path) : [...v1Directories(hierarchies, path), v2];
}

/** The directory that holds a controller's files for a cgroup, and their version. */
export function controllerDirectory(
  hierarchies: Hierarchies,
  controller: Controller,
  path: string,
): { readonly version: 1 | 2; readonly directory: string } | undefined {
  const v1 = hierarchies.v1[controller];
  if (v1 !== undefined) return { version: 1, directory: v1 + path };
  // cpuacct has no v2 controller: cpu.stat is always there.
  const inV2 = controller === 'cpuacct' || hierarchies.v2Controllers.includes(controller);
  if (hierarchies.v2 === undefined || !inV2) return undefined;
  return { version: 2, directory: hierarchies.v2 + path };
}

const prefixes = (path: string): string[] => {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
};

/** Makes a cgroup and what is above it, and hands the v2 controllers down to it. */
export function createSteps(hierarchies: Hierarchies, path: string): Step[] {
  const steps: Step[] = [];
  const controllers = hierarchies.v2Controllers.map((name) => `+${name}`).join(' ');
  const above = ['', ...prefixes(path)];
  for (const level of above) {
    if (level !== '')
      for (const directory of directoriesOf(hierarchies, level))
        steps.push(['mkdir', directory, '755']);
    // The last level is handed them as well: containers are made below it.
    if (hierarchies.v2 !== undefined && controllers !== '')
      steps.push(['write', `${hierarchies.v2}${level}/cgroup.subtree_control`, controllers]);
  }
  return steps;
}

/** Makes a cgroup below one that `createSteps` made. */
export const createLeafSteps = (hierarchies: Hierarchies, path: string): Step[] =>
  directoriesOf(hierarchies, path).map((directory) => ['mkdir', directory, '755']);

/** Removes a cgroup; fails while there are processes in it, or cgroups below it. */
export const removeSteps = (hierarchies: Hierarchies, path: string): Step[] =>
  directoriesOf(hierarchies, path).map((directory) => ['rmdir', directory, '']);
