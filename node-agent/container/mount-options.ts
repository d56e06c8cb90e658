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
  relatime: [0, accessTimes],
  strictatime: [strictatime, accessTimes],
  // Without relatime a mount is what the kernel gives one that says nothing: relatime (mount(8)).
  norelatime: [0, 0],
};

/** Each takes back one way of access times and no other, as mount(8) does: `noatime,nostrictatime` is `noatime`. */
const takesBack: Readonly<Record<string, number>> = {
  atime: noatime,
  nostrictatime: strictatime,
};

const propagations: Readonly<Record<string, number>> = propagation;

/** Of the file system, not the mount: the kernel takes them as flags of a new one. */
export const filesystemFlags: ReadonlySet<string> = new Set([
  'sync',
  'dirsync',
  'lazytime',
  'mand',
]);
/** What a new file system is without them: they take back the one that stands earlier. */
const opposites: Readonly<Record<string, string>> = {
  async: 'sync',
  nolazytime: 'lazytime',
  nomand: 'mand',
};
/** Of no effect: every file system of Linux that has versions of its files' content counts them. */
const ignored = new Set(['defaults', 'iversion', 'noiversion', 'loud', 'silent']);

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

/** What `option` changes of a mount whose options so far are `before`; undefined unless it is such a word. */
function changeOf(option: string, [set, clear]: Change): Change | undefined {
  const way = own(takesBack, option);
  if (way === undefined) return own(attributes, option);
  const isOther = (clear & accessTimes) !== 0 && (set & accessTimes) !== way;
  return isOther ? [0, 0] : [0, accessTimes];
}

/** What was said of the mount alone falls where a later word speaks of it with all that is below. */
const overruled = ([set, clear]: Change, [laterSet, laterClear]: Change): Change => {
  const kept = ~(laterSet | laterClear);
  return [set & kept, clear & kept];
};

const perMount = [...Object.keys(attributes), ...Object.keys(takesBack)];

/** Every name that means something by itself, for `features`. */
export const mountOptionNames: readonly string[] = [
  ...perMount,
  ...perMount.map((name) => `r${name}`),
  ...Object.keys(propagations).flatMap((name) => [name, `r${name}`]),
  ...Object.keys(flagOf),
  ...filesystemFlags,
  ...Object.keys(opposites),
  ...ignored,
].sort();

/** What is the file system's own business, once `option` is among it. */
function moreData(data: readonly string[], option: string, remount: boolean): readonly string[] {
  // What is there already has to be told of both: the kernel takes them in their order, and passes `dirsync` over (mount(2)).
  if (remount) return ignored.has(option) || option === 'dirsync' ? data : [...data, option];
  const opposite = own(opposites, option);
  if (opposite !== undefined) return data.filter((word) => word !== opposite);
  return ignored.has(option) ? data : [...data, option];
}

/** Reads options in order: of two that contradict each other the later counts. */
export function readMountOptions(options: readonly string[]): MountOptions {
  let one: Change = [0, 0];
  let all: Change = [0, 0];
  let flags = 0;
  const wanted = { one: 0, all: 0 };
  let data: readonly string[] = [];
  const remount = options.includes('remount');
  for (const option of options) {
    const below = option.startsWith('r') ? option.slice(1) : '';
    const attribute = changeOf(option, merged(all, one));
    const recursive = changeOf(below, all);
    const spread = own(propagations, option);
    const spreadAll = own(propagations, below);
    const flag = own(flagOf, option);
    if (attribute !== undefined) one = merged(one, attribute);
    else if (recursive !== undefined) {
      all = merged(all, recursive);
      one = overruled(one, recursive);
    } else if (spread !== undefined) wanted.one = spread;
    else if (spreadAll !== undefined) Object.assign(wanted, { one: 0, all: spreadAll });
    else if (flag !== undefined) flags |= flag;
    else data = moreData(data, option, remount);
  }
  return {
    bind: options.includes('bind') || options.includes('rbind'),
    remount,
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
