/** The mounts of a bundle as a supervisor is told of them. Pure. */

import { basename, posix, resolve } from 'node:path';
import { mountAttribute, mountFlag, mountKind, type WireMount } from '#native/protocol.ts';
import type { Resources } from '../container/cgroup-resources.ts';
import { directoriesOf, type Hierarchies } from '../container/cgroups.ts';
import {
  filesystemFlags,
  type MountOptions,
  readMountOptions,
} from '../container/mount-options.ts';
import type { Config, Mount } from './config/config.ts';
import type { IdMapping } from './config/linux.ts';
import { ConfigError, type Problem } from './config/problem.ts';

export interface MountWorld {
  readonly bundle: string;
  readonly hierarchies: Hierarchies;
  /** Of the container. */
  readonly cgroup: string;
  /** Its limits, which say what hierarchies it is in. */
  readonly resources: Resources;
  /** Of the kernel's file systems that may be refused to us: where what is shown in their place is. */
  readonly standIns?: Readonly<Record<string, string>>;
}

/** The specification: a relative destination begins at the root. */
export const targetOf = ({ destination }: Mount): string => posix.resolve('/', destination);

export const wireMaps = (maps: readonly IdMapping[] | null | undefined) =>
  (maps ?? []).map(({ containerID, hostID, size }) => ({
    inside: containerID,
    outside: hostID,
    size,
  }));

const nothing: WireMount = {
  kind: mountKind.filesystem,
  flags: 0,
  set: 0,
  clear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: 0,
  recursivePropagation: 0,
  type: '',
  root: '',
  source: '',
  target: '',
  options: [],
  uidMap: [],
  gidMap: [],
};

function attributesOf(options: MountOptions) {
  const { set, clear, recursiveSet, recursiveClear, propagation, recursivePropagation } = options;
  return { set, clear, recursiveSet, recursiveClear, propagation, recursivePropagation };
}

/** Their trees are the kernel's: a link of the image may not decide where they go (CVE-2019-19921). */
const plainTypes = new Set(['proc', 'sysfs']);
/** Their file systems may be shared with others, or filled first: only the mount becomes read-only. */
const ownMountOnly = new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2']);

function flagsOf(mount: Mount, options: MountOptions): number {
  const isPlain = plainTypes.has(mount.type ?? '') || targetOf(mount) === '/dev';
  const maps = (mount.uidMappings?.length ?? 0) > 0;
  return options.flags | (isPlain ? mountFlag.plain : 0) | (maps ? mountFlag.idmap : 0);
}

/** New file systems whose files SELinux labels as the mount says. */
const labelled = new Set(['tmpfs', 'devpts', 'ramfs']);

/** In a user namespace the kernel lets nobody have a new one that would show more than those that are there. */
function standIn(type: string, flags: number, standIns: MountWorld['standIns'] = {}) {
  const root = Object.hasOwn(standIns, type) ? standIns[type] : undefined;
  return root === undefined ? {} : { flags: flags | mountFlag.standIn, root };
}

function wireMount(
  mount: Mount,
  options: MountOptions,
  { bundle, standIns, label }: MountWorld & { readonly label: string },
): WireMount {
  const both = {
    ...nothing,
    ...attributesOf(options),
    flags: flagsOf(mount, options),
    target: targetOf(mount),
    uidMap: wireMaps(mount.uidMappings),
    gidMap: wireMaps(mount.gidMappings),
  };
  // With `bind` it is the mount alone that is changed, as mount(8) has it.
  if (options.remount) {
    return { ...both, kind: mountKind.remount, options: options.bind ? [] : options.data };
  }
  if (isBind(mount, options)) {
    return { ...both, kind: mountKind.bind, source: resolve(bundle, mount.source ?? '') };
  }
  const type = mount.type ?? '';
  const wholly = options.set & mountAttribute.readonly && !ownMountOnly.has(type) ? ['ro'] : [];
  return {
    ...both,
    ...standIn(type, both.flags, standIns),
    type,
    source: mount.source ?? type,
    options: [
      ...options.data,
      ...wholly,
      ...(label && labelled.has(type) ? [`context=${label}`] : []),
    ],
  };
}

const isBind = (mount: Mount, options: MountOptions): boolean =>
  options.bind || mount.type === 'bind';

/** The container's own part of every hierarchy it is in, where the specification says `cgroup`. */
function cgroupMounts(mount: Mount, options: MountOptions, world: MountWorld): WireMount[] {
  const { hierarchies, cgroup, resources } = world;
  const target = targetOf(mount);
  const shown = (source: string, at: string): WireMount => ({
    ...nothing,
    ...attributesOf(options),
    kind: mountKind.bind,
    source,
    target: at,
  });
  const [only, ...more] = directoriesOf(hierarchies, cgroup, resources);
  if (hierarchies.v2 !== undefined && more.length === 0) return [shown(only ?? '', target)];
  const tmpfs = { ...nothing, type: 'tmpfs', source: 'tmpfs', target, options: ['mode=755'] };
  const name = (directory: string) => basename(directory.slice(0, -cgroup.length));
  return [
    { ...tmpfs, set: options.set & ~mountAttribute.readonly },
    ...directoriesOf(hierarchies, cgroup, resources).map((at) =>
      shown(at, `${target}/${name(at)}`),
    ),
    { ...nothing, kind: mountKind.remount, target, set: options.set, clear: options.clear },
  ];
}

/** What may be shown over single files of /proc (runc, checkProcMount). */
const procFiles = new Set(
  'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid sys/crypto/fips_enabled'
    .split(' ')
    .map((name) => `/proc/${name}`),
);

/** A fake /proc would get what is meant for the kernel: labels, limits (CVE-2019-16884, CVE-2025-52881). */
function procProblem(mount: Mount, options: MountOptions): string | undefined {
  const target = targetOf(mount);
  if (target !== '/proc' && !target.startsWith('/proc/')) return;
  if (options.remount) return;
  if (target !== '/proc') {
    if (procFiles.has(target)) return;
    return `${target}: nothing but single known files may be mounted inside /proc`;
  }
  if (mount.type === 'proc' && !options.bind) return;
  if (isBind(mount, options) && mount.source === '/proc') return;
  return 'only a proc file system may be mounted on /proc';
}

/** A file system that was bound, or is the kernel's own, is others', too: they would be changed with it. */
const changeable = new Set(['tmpfs', 'ramfs', 'devpts', 'overlay']);

/** `earlier`: the mounts before it. */
function remountProblem(
  mount: Mount,
  options: MountOptions,
  earlier: readonly Mount[],
): string | undefined {
  const [word] = options.data;
  if (options.bind || word === undefined) return;
  const below = earlier.findLast((other) => {
    const { remount } = readMountOptions(other.options ?? []);
    return targetOf(other) === targetOf(mount) && !remount;
  });
  const isBound = below !== undefined && isBind(below, readMountOptions(below.options ?? []));
  if (below !== undefined && !isBound && changeable.has(below.type ?? '')) return;
  const wanted = `only what this list has mounted there anew (${[...changeable].join(', ')}) is its own`;
  return `${word} would change the file system on ${targetOf(mount)} for others, too: ${wanted}`;
}

function problemOf(
  mount: Mount,
  options: MountOptions,
  earlier: readonly Mount[],
): string | undefined {
  const fake = procProblem(mount, options);
  if (fake !== undefined) return fake;
  if (options.remount) return remountProblem(mount, options, earlier);
  if (isBind(mount, options)) {
    if (!mount.source) return 'a bind needs a source';
    const [unknown] = options.data.filter(
      // A bind shares these with whoever mounted it first, and `mode=755` says something of a new file system only.
      (word) => !filesystemFlags.has(word) && !word.includes('='),
    );
    return unknown === undefined ? undefined : `the option ${unknown} is unknown for a bind`;
  }
  return mount.type ? undefined : 'a mount that is no bind needs a type';
}

/** @throws ConfigError naming the mounts that cannot be */
export function wireMounts(config: Config, world: MountWorld): WireMount[] {
  const problems: Problem[] = [];
  const label = config.linux?.mountLabel ?? '';
  const mounts = (config.mounts ?? []).flatMap((mount, index, all) => {
    const options = readMountOptions(mount.options ?? []);
    const message = problemOf(mount, options, all.slice(0, index));
    if (message !== undefined) problems.push({ path: `mounts[${index}]`, message });
    return mount.type === 'cgroup' || mount.type === 'cgroup2'
      ? cgroupMounts(mount, options, world)
      : [wireMount(mount, options, { ...world, label })];
  });
  if (problems.length > 0) throw new ConfigError('config.json', problems);
  return mounts;
}

/** Devices and links are ours to make unless the host's /dev, or a volume, is in its place. */
export const makesDevices = (config: Config): boolean =>
  !(config.mounts ?? []).some((mount) => {
    const bound = isBind(mount, readMountOptions(mount.options ?? []));
    return bound && targetOf(mount) === '/dev';
  });
