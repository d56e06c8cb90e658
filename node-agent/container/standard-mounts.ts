/** What every container of ours finds mounted: /proc, /sys with its cgroups, and /dev. Pure. */

import {
  mountAttribute,
  mountFlag,
  mountKind,
  type WireDevice,
  type WireMount,
} from '#native/protocol.ts';
import type { Hierarchies } from './cgroups.ts';

const { nosuid, nodev, noexec, readonly } = mountAttribute;

const plain: WireMount = {
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

/** A mount that changes nothing it need not. */
export const wireMount = (of: Partial<WireMount>): WireMount => ({ ...plain, ...of });

/** The same for nearly every container: frozen, so that they are encoded once. */
const known = new Map<string, WireMount>();
const mostKnown = 256;

/** A kernel's file system; its place must be the image's own directory, not a link. */
function kernel(type: string, target: string, set: number, options = ''): WireMount {
  const key = `${target} ${type} ${set} ${options}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const words = options === '' ? [] : options.split(',');
  const mount = wireMount({ type, target, set, options: words, flags: mountFlag.plain });
  if (known.size >= mostKnown) known.clear();
  known.set(key, Object.freeze(mount));
  return mount;
}

const strict = nosuid | nodev | noexec;
const terminals = 'newinstance,ptmxmode=0666,mode=0620';

export interface StandardMounts {
  /** /sys and the cgroups can be written. */
  readonly writable: boolean;
  readonly hierarchies: Hierarchies;
  /** The container's own. */
  readonly cgroup: string;
  /** The host's directory that is shown as /dev/shm. */
  readonly shm: string;
  /** The host's number of the container's group of terminals. */
  readonly ttyGid: number;
  /** The container has a user namespace. */
  readonly mapped: boolean;
}

/**
 * The v2 hierarchy, or each v1 hierarchy under its name: what a program reads its own limits from. Of v1 the container's
 * own directories are shown, which looks the same inside and costs a sixth of mounting each hierarchy anew.
 */
function cgroupMounts({ hierarchies, cgroup }: StandardMounts, protect: number): WireMount[] {
  const at = '/sys/fs/cgroup';
  if (hierarchies.v1Mounts.length === 0) {
    return hierarchies.v2 === undefined ? [] : [kernel('cgroup2', at, strict | protect)];
  }
  return [
    kernel('tmpfs', at, strict, 'mode=755,size=64k'),
    ...hierarchies.v1Mounts.map((mount) =>
      wireMount({
        kind: mountKind.bind,
        source: mount + cgroup,
        target: at + mount.slice(mount.lastIndexOf('/')),
        set: strict | protect,
        flags: mountFlag.plain,
      }),
    ),
    wireMount({ kind: mountKind.remount, target: at, set: protect }),
  ];
}

/** In order; devices come after them. */
export function standardMounts(wanted: StandardMounts): WireMount[] {
  const { ttyGid, writable } = wanted;
  const protect = writable ? 0 : readonly;
  return [
    kernel('proc', '/proc', strict),
    kernel('sysfs', '/sys', strict | protect),
    ...cgroupMounts(wanted, protect),
    kernel('tmpfs', '/dev', nosuid, 'mode=755,size=65536k'),
    kernel('devpts', '/dev/pts', nosuid | noexec, `${terminals},gid=${ttyGid}`),
    kernel('mqueue', '/dev/mqueue', strict),
    wireMount({
      kind: mountKind.bind,
      source: wanted.shm,
      target: '/dev/shm',
      set: strict,
      flags: mountFlag.plain | (wanted.mapped ? mountFlag.idmap : 0),
    }),
  ];
}

const character = 0o020000;
const device = (path: string, major: number, minor: number): WireDevice => ({
  path,
  mode: character | 0o666,
  major,
  minor,
  uid: 0,
  gid: 0,
});

/** The devices every container has (OCI runtime-spec, config-linux.md, Default Devices). */
export const standardDevices: readonly WireDevice[] = [
  device('/dev/null', 1, 3),
  device('/dev/zero', 1, 5),
  device('/dev/full', 1, 7),
  device('/dev/random', 1, 8),
  device('/dev/urandom', 1, 9),
  device('/dev/tty', 5, 0),
];

/** OCI runtime-spec, runtime-linux.md, Dev symbolic links. */
export const standardLinks: readonly { readonly path: string; readonly content: string }[] = [
  { path: '/dev/fd', content: '/proc/self/fd' },
  { path: '/dev/stdin', content: '/proc/self/fd/0' },
  { path: '/dev/stdout', content: '/proc/self/fd/1' },
  { path: '/dev/stderr', content: '/proc/self/fd/2' },
  { path: '/dev/ptmx', content: 'pts/ptmx' },
  { path: '/dev/core', content: '/proc/kcore' },
];
