/** The words for mounts of OCI's runtime-spec (config.md, "Linux mount options") to what the wire says. Pure. */

import { mountAttribute, mountFlag, propagation } from '#native/protocol.ts';

/** The part of a `WireMount` that options decide. */
export interface MountOptions {
  /** `bind` or `rbind` was among them. */
  readonly bind: boolean;
  readonly remount: boolean;
  /** `mountFlag`s. */
  readonly flags: number;
  readonly set: number;
  readonly clear: number;
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  readonly propagation: number;
  readonly recursivePropagation: number;
  /** What is left is the file system's own business. */
  readonly data: readonly string[];
}

type Change = readonly [set: number, clear: number];

const { readonly: ro, nosuid, nodev, noexec, noatime, strictatime } = mountAttribute;
const { accessTimes, nodiratime, nosymfollow } = mountAttribute;

/** Those without an `r` before them are of the mount alone. */
const attributes: Readonly<Record<string, Change>> = {
  ro: [ro, 0],
  rw: [0, ro],
  nosuid: [nosuid, 0],
  suid: [0, nosuid],
  nodev: [nodev, 0],
  dev: [0, nodev],
  noexec: [noexec, 0],
  exec: [0, noexec],
  nodiratime: [nodiratime, 0],
  diratime: [0, nodiratime],
  nosymfollow: [nosymfollow, 0],
  symfollow: [0, nosymfollow],
  // One of three: choosing one takes the others away. 0 is relatime.
  noatime: [noatime, accessTimes],
  atime: [0, accessTimes],
  relatime: [0, accessTimes],
  norelatime: [0, accessTimes],
  strictatime: [strictatime, accessTimes],
  nostrictatime: [0, accessTimes],
};

const propagations: Readonly<Record<string, number>> = propagation;

/** Of the file system, not the mount: the kernel takes them as flags of a new one. */
const filesystemFlags = new Set(['sync', 'dirsync', 'lazytime', 'mand']);
/** The opposite of those, or of no effect on a new file system. */
const ignored = new Set([
  'defaults',
  'async',
  'nolazytime',
  'nomand',
  'iversion',
  'noiversion',
  'loud',
  'silent',
]);

const flagOf: Readonly<Record<string, number>> = {
  bind: 0,
  rbind: mountFlag.recursive,
  tmpcopyup: mountFlag.copyUp,
  idmap: mountFlag.idmap,
  ridmap: mountFlag.recursiveIdmap,
  remount: 0,
};

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const merged = ([set, clear]: Change, [moreSet, moreClear]: Change): Change => [
  (set & ~moreClear) | moreSet,
  (clear & ~moreSet) | moreClear,
];

/** Every name that means something by itself, for `features`. */
export const mountOptionNames: readonly string[] = [
  ...Object.keys(attributes),
  ...Object.keys(attributes).map((name) => `r${name}`),
  ...Object.keys(propagations).flatMap((name) => [name, `r${name}`]),
  ...Object.keys(flagOf),
  ...filesystemFlags,
  ...ignored,
].sort();

/** Reads options in order: of two that contradict each other the later counts. */
export function readMountOptions(options: readonly string[]): MountOptions {
  let one: Change = [0, 0];
  let all: Change = [0, 0];
  let flags = 0;
  const wanted = { one: 0, all: 0 };
  const data: string[] = [];
  for (const option of options) {
    const below = option.startsWith('r') ? option.slice(1) : '';
    const attribute = own(attributes, option);
    const recursive = own(attributes, below);
    const spread = own(propagations, option);
    const spreadAll = own(propagations, below);
    const flag = own(flagOf, option);
    if (attribute !== undefined) one = merged(one, attribute);
    else if (recursive !== undefined) all = merged(all, recursive);
    else if (spread !== undefined) wanted.one = spread;
    else if (spreadAll !== undefined) wanted.all = spreadAll;
    else if (flag !== undefined) flags |= flag;
    else if (!ignored.has(option)) data.push(option);
  }
  return {
    bind: options.includes('bind') || options.includes('rbind'),
    remount: options.includes('remount'),
    flags,
    set: one[0],
    clear: one[1],
    recursiveSet: all[0],
    recursiveClear: all[1],
    propagation: wanted.one,
    recursivePropagation: wanted.all,
    data,
  };
}
