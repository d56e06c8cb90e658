/** From what the pod side asks to what a supervisor is told: the whole policy of a container's surroundings. Pure. */

import {
  containerFlag,
  mountAttribute,
  mountFlag,
  mountKind,
  namespaceType,
  plainProcess,
  processFlag,
  propagation,
  type WireContainer,
  type WireDevice,
  type WireMount,
  type WireProcess,
} from '#native/protocol.ts';
import {
  allCapabilities,
  capabilityBits,
  capabilitySets,
  defaultCapabilities,
} from './capabilities.ts';
import { oomFile } from './cgroup-limits.ts';
import { type Hierarchies, v1Directories, v2Directory } from './cgroups.ts';
import { defaultLogLimits, mostBytes } from './log-rotation.ts';
import { readMountOptions } from './mount-options.ts';
import type { ContainerSpec, ExecSpec, Mount, SandboxSpec } from './runtime.ts';
import { standardLinks, standardMounts, wireMount } from './standard-mounts.ts';

export interface Surroundings {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxSpec;
  /** Paths of the sandbox's own namespaces and shared memory. */
  readonly namespaces: { readonly ipc: string; readonly uts: string; readonly shm: string };
  /** The container's cgroup. */
  readonly cgroup: string;
  readonly hierarchies: Hierarchies;
  /** The seccomp program of all its processes; empty: none. */
  readonly seccomp: Uint8Array;
  /** The nodes of /dev. */
  readonly devices: readonly WireDevice[];
}

/** moby, oci/defaults.go. */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Docker's limit of open files; getrlimit(2) numbers. */
const rlimits = [{ resource: 7, soft: 1_048_576n, hard: 1_048_576n }];

const propagationOf = {
  private: propagation.private,
  rslave: propagation.slave,
  rshared: propagation.shared,
};

function ownMount(mount: Mount): WireMount {
  const { data, bind: _, remount: __, ...asked } = readMountOptions(mount.options ?? []);
  const readonly = mount.readonly ? mountAttribute.readonly : 0;
  if (mount.type === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
    return wireMount({
      ...asked,
      type: 'tmpfs',
      target: mount.target,
      set: asked.set | readonly | mountAttribute.nosuid | mountAttribute.nodev,
      options: ['mode=1777', ...size, ...data],
    });
  }
  return wireMount({
    ...asked,
    kind: mountKind.bind,
    flags: asked.flags | mountFlag.recursive,
    recursiveSet: asked.recursiveSet | readonly,
    recursivePropagation: propagationOf[mount.propagation ?? 'private'],
    root: mount.root ?? '',
    source: mount.source ?? '',
    target: mount.target,
  });
}

const defaultBits = capabilityBits(defaultCapabilities);
const makeNodes = capabilityBits(['CAP_MKNOD']);

/** The container's capabilities as bits: those of its root, and the bounding set of others. */
export function capabilitiesOf(spec: ContainerSpec, hierarchies: Hierarchies): bigint {
  if (spec.privileged) return allCapabilities;
  const { capabilities } = spec;
  const bits = capabilities === undefined ? defaultBits : capabilityBits(capabilities);
  // Without a device controller nothing would keep a node made inside from being the host's disk.
  const guarded = hierarchies.v1.devices !== undefined || hierarchies.v2 !== undefined;
  return guarded ? bits : bits & ~makeNodes;
}

function flagsOf(
  spec: { readonly tty: boolean; readonly stdin: boolean },
  noNewPrivileges: boolean,
) {
  return (
    processFlag.oomScore |
    (spec.tty ? processFlag.tty : 0) |
    (spec.stdin ? processFlag.stdin : 0) |
    (noNewPrivileges ? processFlag.noNewPrivileges : 0)
  );
}

/** The container's first process. */
function firstProcess(around: Surroundings): WireProcess {
  const { spec, hierarchies, cgroup } = around;
  const { uid, gid, groups } = spec.user;
  return {
    ...plainProcess,
    flags: flagsOf(spec, spec.noNewPrivileges) | processFlag.makeCwd,
    uid,
    gid,
    groups,
    owner: uid,
    capabilities: capabilitySets(capabilitiesOf(spec, hierarchies), uid),
    oomScoreAdj: spec.oomScoreAdj,
    rlimits,
    cgroups: v1Directories(hierarchies, cgroup, spec.resources),
    cgroup2: v2Directory(hierarchies, cgroup),
    args: spec.args,
    env: spec.env,
    cwd: spec.cwd,
    seccomp: around.seccomp,
  };
}

/** A further process of a container: as restricted as its first one. */
export function execProcess(around: Surroundings, exec: ExecSpec): WireProcess {
  const user = exec.user ?? around.spec.user;
  const first = firstProcess({ ...around, spec: { ...around.spec, user } });
  return {
    ...first,
    flags: flagsOf(exec, around.spec.noNewPrivileges),
    ...(exec.size ?? {}),
    args: exec.args,
    env: exec.env ?? first.env,
    cwd: exec.cwd ?? first.cwd,
  };
}

type Namespaces = WireContainer['namespaces'];

function namespacesOf({ sandbox, namespaces }: Surroundings): Namespaces {
  const fresh = (type: number) => ({ type, path: '' });
  return [
    fresh(namespaceType.mount),
    fresh(namespaceType.cgroup),
    ...(sandbox.hostPid ? [] : [fresh(namespaceType.pid)]),
    ...(sandbox.hostIpc ? [] : [{ type: namespaceType.ipc, path: namespaces.ipc }]),
    { type: namespaceType.uts, path: namespaces.uts },
    ...(sandbox.netnsPath === undefined
      ? []
      : [{ type: namespaceType.network, path: sandbox.netnsPath }]),
  ];
}

/** The whole order to a supervisor. */
export function wireContainer(around: Surroundings): WireContainer {
  const { spec, sandbox, namespaces, hierarchies, cgroup } = around;
  const log = spec.logLimits ?? defaultLogLimits;
  const standard = standardMounts({
    writable: spec.privileged,
    hierarchies,
    shm: sandbox.hostIpc ? '/dev/shm' : namespaces.shm,
    root: { uid: 0, gid: 0 },
    ttyGid: 5,
    mapped: false,
  });
  return {
    flags:
      (spec.readonlyRootfs ? containerFlag.readonlyRoot : 0) |
      (spec.stdinOnce ? containerFlag.stdinOnce : 0),
    logPath: spec.logPath,
    logLargeBytes: log.rotateBytes,
    logMostBytes: mostBytes(log),
    oomFile: oomFile(hierarchies, cgroup),
    namespaces: namespacesOf(around),
    uidMap: [],
    gidMap: [],
    timeOffsets: [],
    hostname: '',
    domainname: '',
    sysctls: [],
    rootPropagation: 0,
    layers: spec.layers.toReversed(),
    upper: `${spec.layerDir}/upper`,
    work: `${spec.layerDir}/work`,
    mounts: [...standard, ...spec.mounts.map(ownMount)],
    mountsBeforeDevices: standard.length,
    devices: around.devices,
    links: standardLinks,
    masked: spec.privileged ? [] : maskedPaths,
    readonlyPaths: spec.privileged ? [] : readonlyPaths,
    process: firstProcess(around),
  };
}
