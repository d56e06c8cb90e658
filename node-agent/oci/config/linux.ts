/** `linux` of config.json (runtime-spec, config-linux.md). */

import * as t from 'io-ts';
import {
  AbsolutePath,
  I64,
  list,
  nullable,
  oneOf,
  Path,
  Text,
  text,
  U32,
  whole,
} from './codecs.ts';
import { MemoryPolicy } from './memory-policy.ts';

export const namespaceTypes = [
  'pid',
  'network',
  'mount',
  'ipc',
  'uts',
  'user',
  'cgroup',
  'time',
] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

export const propagations = [
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
  'unbindable',
  'runbindable',
] as const;

const IdMapping = t.type({
  containerID: U32,
  hostID: U32,
  size: whole(1, 2 ** 32 - 1, 'a size'),
});
export interface IdMapping extends t.TypeOf<typeof IdMapping> {}
export const IdMappings = list(IdMapping);

const Device = t.intersection([
  t.type({ path: AbsolutePath, type: oneOf('c', 'b', 'u', 'p') }),
  t.partial({
    // The kernel's dev_t: 12 bits and 20 bits.
    major: whole(0, 2 ** 12 - 1),
    minor: whole(0, 2 ** 20 - 1),
    fileMode: nullable(whole(0, 0o177777, 'a file mode')),
    uid: nullable(U32),
    gid: nullable(U32),
  }),
]);
export interface Device extends t.TypeOf<typeof Device> {}

const Offset = t.partial({ secs: I64, nanosecs: whole(0, 999_999_999) });

/** What the kernel takes for the name of a link; `%d`: it chooses a number. */
export const isLinkName = (value: string): boolean =>
  Buffer.byteLength(value) <= 15 && !['', '.', '..'].includes(value) && !/[\s/:\0]/.test(value);
export const linkNameShape = "a network device's name of at most 15 bytes";
const LinkName = text(linkNameShape, isLinkName);
const NetDevices = t.record(t.string, t.partial({ name: nullable(LinkName) }));
export interface NetDevices extends t.TypeOf<typeof NetDevices> {}

export const Linux = t.partial({
  uidMappings: IdMappings,
  gidMappings: IdMappings,
  namespaces: list(
    t.intersection([
      t.type({ type: oneOf(...namespaceTypes) }),
      t.partial({ path: nullable(Text) }),
    ]),
  ),
  devices: list(Device),
  cgroupsPath: nullable(Path),
  sysctl: nullable(t.record(t.string, Text)),
  timeOffsets: nullable(t.partial({ monotonic: Offset, boottime: Offset })),
  rootfsPropagation: nullable(oneOf(...propagations)),
  maskedPaths: list(AbsolutePath),
  readonlyPaths: list(AbsolutePath),
  mountLabel: nullable(Text),
  personality: nullable(
    t.intersection([
      t.type({ domain: oneOf('LINUX', 'LINUX32') }),
      t.partial({ flags: list(t.string) }),
    ]),
  ),
  // Decoded by whom they concern.
  resources: t.unknown,
  seccomp: t.unknown,
  intelRdt: t.unknown,
  netDevices: nullable(NetDevices),
  memoryPolicy: nullable(MemoryPolicy),
});
export interface Linux extends t.TypeOf<typeof Linux> {}
