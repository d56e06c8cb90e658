/**
 * Where cgroups are on this machine, found per controller: v1, v2 and hybrid (limits on v1, identity on v2) are the same
 * code with different answers. Pure but for `readHierarchies`.
 */

import { readFile } from 'node:fs/promises';
import type { Step } from '#native/spawn.ts';
import type { Resources } from './cgroup-resources.ts';

/** What v1 calls the controllers that limits and figures need; v2's `io` is `blkio` here. */
const controllers = [
  'cpu',
  'cpuacct',
  'memory',
  'pids',
  'devices',
  'blkio',
  'cpuset',
  'freezer',
  'hugetlb',
  'net_cls',
  'net_prio',
  'rdma',
] as const;
export type Controller = (typeof controllers)[number];

/** Those that every container is in where they are v1's; each costs a start some 50 us. */
const always: readonly Controller[] = ['cpu', 'memory', 'pids', 'devices', 'blkio'];
/** Without a v2 hierarchy, which counts CPU time and freezes by itself, these as well. */
const alwaysWithoutV2: readonly Controller[] = ['cpuacct', 'freezer'];

/** v2's controllers that every container has; others are handed down when a limit needs them. */
const usuallyHandedDown: readonly Controller[] = ['cpu', 'memory', 'pids', 'blkio', 'cpuset'];

/** v2's controllers by v1's names; what is not here v2 has no controller for. */
const v2Names: Readonly<Partial<Record<Controller, string>>> = {
  cpu: 'cpu',
  memory: 'memory',
  pids: 'pids',
  blkio: 'io',
  cpuset: 'cpuset',
  hugetlb: 'hugetlb',
  rdma: 'rdma',
};

export interface Hierarchies {
  /** Mount point of each controller's v1 hierarchy. */
  readonly v1: Readonly<Partial<Record<Controller, string>>>;
  /** The v1 mount points that every container is in, each once. */
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

/** From the text of a `cgroup.controllers`. */
export function controllersIn(text: string): Controller[] {
  const present = text.trim().split(/\s+/);
  return controllers.filter((name) => present.includes(v2Names[name] ?? '-'));
}

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
    for (const name of controllers) if (options.split(',').includes(name)) v1[name] ??= mountPoint;
  }
  const joined = [...always, ...(v2 === undefined ? alwaysWithoutV2 : [])];
  return {
    v1,
    v1Mounts: [...new Set(joined.flatMap((name) => v1[name] ?? []))],
    ...(v2 === undefined ? {} : { v2 }),
    v2Controllers: controllersIn(v2Controllers).filter((name) => v1[name] === undefined),
  };
}

/** The mount point of the v2 hierarchy, if there is one. */
export const v2MountOf = (mountinfo: string): string | undefined => hierarchiesOf(mountinfo, '').v2;

/** Looks at this machine. */
export async function readHierarchies(): Promise<Hierarchies> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  const v2 = v2MountOf(mountinfo);
  const present = v2 === undefined ? '' : await readFile(`${v2}/cgroup.controllers`, 'utf8');
  return hierarchiesOf(mountinfo, present);
}

const prefixesOfUnified = (unified: Readonly<Record<string, string>> = {}): string[] =>
  Object.keys(unified).map((file) => file.slice(0, file.indexOf('.')));

/** The controllers beyond those that every container is in that these limits need. */
function further(wanted: Resources): Controller[] {
  const { cpu, hugepageLimits = [], network, rdma = {} } = wanted;
  const unified = prefixesOfUnified(wanted.unified);
  const needs: Record<string, boolean> = {
    cpuset: cpu?.cpus !== undefined || cpu?.mems !== undefined || unified.includes('cpuset'),
    hugetlb: hugepageLimits.length > 0 || unified.includes('hugetlb'),
    net_cls: network?.classID !== undefined,
    net_prio: (network?.priorities ?? []).length > 0,
    rdma: Object.keys(rdma).length > 0 || unified.includes('rdma'),
  };
  return controllers.filter((name) => needs[name] === true);
}

/** Whether these limits need a controller that a cgroup is not given in any case. */
export const needsFurther = ({ v1, v2Controllers }: Hierarchies, wanted: Resources): boolean =>
  further(wanted).some(
    (name) =>
      v1[name] !== undefined || (v2Controllers.includes(name) && !usuallyHandedDown.includes(name)),
  );

/** The v1 mount points that a cgroup with these limits is in. */
function v1MountsFor({ v1, v1Mounts }: Hierarchies, wanted: Resources): readonly string[] {
  const more = further(wanted).flatMap((name) => v1[name] ?? []);
  return more.length === 0 ? v1Mounts : [...new Set([...v1Mounts, ...more])];
}

/** The directories of one cgroup in the v1 hierarchies that its limits need; controllers mounted together share one. */
export function v1Directories(
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources = {},
): string[] {
  return v1MountsFor(hierarchies, wanted).map((mountPoint) => mountPoint + path);
}

/** The directory of a cgroup in the v2 hierarchy, or empty. */
export const v2Directory = (hierarchies: Hierarchies, path: string): string =>
  hierarchies.v2 === undefined ? '' : hierarchies.v2 + path;

/** The directories of a cgroup with these limits. */
export function directoriesOf(
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources = {},
): string[] {
  const v1 = v1Directories(hierarchies, path, wanted);
  const v2 = v2Directory(hierarchies, path);
  return v2 === '' ? v1 : [...v1, v2];
}

/** Every directory that a cgroup may have been given, whatever its limits. */
export function possibleDirectories(hierarchies: Hierarchies, path: string): string[] {
  const mounts = [...new Set(Object.values(hierarchies.v1))];
  const all = hierarchies.v2 === undefined ? mounts : [...mounts, hierarchies.v2];
  return all.map((mountPoint) => mountPoint + path);
}

/** The directory that holds a controller's files for a cgroup, and their version. */
export function controllerDirectory(
  hierarchies: Hierarchies,
  controller: Controller,
  path: string,
): { readonly version: 1 | 2; readonly directory: string } | undefined {
  const v1 = hierarchies.v1[controller];
  if (v1 !== undefined) return { version: 1, directory: v1 + path };
  if (hierarchies.v2 === undefined || !hierarchies.v2Controllers.includes(controller)) return;
  return { version: 2, directory: hierarchies.v2 + path };
}

const prefixes = (path: string): string[] => {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
};

/** A v1 cpuset takes no process before it has CPUs and memory, and begins with none. */
function cpusetSteps({ v1 }: Hierarchies, level: string, mounts: readonly string[]): Step[] {
  if (v1.cpuset === undefined || !mounts.includes(v1.cpuset)) return [];
  const files = ['cpuset.cpus', 'cpuset.mems'];
  return files.map((file): Step => ['inherit', `${v1.cpuset}${level}/${file}`, '']);
}

/** What a v2 directory hands to those below it of these controllers, in the words of `cgroup.subtree_control`. */
const handedDown = ({ v2Controllers }: Hierarchies, names: readonly Controller[]): string =>
  v2Controllers
    .filter((name) => names.includes(name))
    .map((name) => `+${v2Names[name]}`)
    .join(' ');

/** Makes a cgroup and what is above it, and hands the v2 controllers down to it. */
export const createSteps = (
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources = {},
): Step[] => levelSteps(hierarchies, ['', ...prefixes(path)], wanted);

/** The same where what is above is there already; ENOENT where it is not. */
export const createLastSteps = (
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources = {},
): Step[] =>
  needsFurther(hierarchies, wanted)
    ? createSteps(hierarchies, path, wanted)
    : levelSteps(hierarchies, [path], wanted);

function levelSteps(hierarchies: Hierarchies, levels: readonly string[], wanted: Resources) {
  const steps: Step[] = [];
  const mounts = v1MountsFor(hierarchies, wanted);
  const names = handedDown(hierarchies, [...usuallyHandedDown, ...further(wanted)]);
  for (const level of levels) {
    if (level !== '') {
      for (const directory of directoriesOf(hierarchies, level, wanted))
        steps.push(['mkdir', directory, '755']);
      steps.push(...cpusetSteps(hierarchies, level, mounts));
    }
    // The last level is handed them as well: containers are made below it.
    if (hierarchies.v2 !== undefined && names !== '')
      steps.push(['write', `${hierarchies.v2}${level}/cgroup.subtree_control`, names]);
  }
  return steps;
}

/** Makes a cgroup below one that `createSteps` made; what only these limits need is made from the top. */
export function createLeafSteps(
  hierarchies: Hierarchies,
  path: string,
  wanted: Resources = {},
): Step[] {
  const { v1Mounts, v2 } = hierarchies;
  const mounts = v1MountsFor(hierarchies, wanted);
  const more = mounts.filter((mountPoint) => !v1Mounts.includes(mountPoint));
  const usual = v2 === undefined ? v1Mounts : [...v1Mounts, v2];
  const rare = further(wanted).filter((name) => !usuallyHandedDown.includes(name));
  const names = handedDown(hierarchies, rare);
  const above = names === '' ? [] : ['', ...prefixes(path).slice(0, -1)];
  return [
    ...above.map((level): Step => ['write', `${v2}${level}/cgroup.subtree_control`, names]),
    ...usual.map((mountPoint): Step => ['mkdir', mountPoint + path, '755']),
    ...prefixes(more.length === 0 ? '' : path).flatMap((level) => [
      ...more.map((mountPoint): Step => ['mkdir', mountPoint + level, '755']),
      ...cpusetSteps(hierarchies, level, mounts),
    ]),
  ];
}
