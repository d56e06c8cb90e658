/** From what the pod side asks to what a supervisor is told: the whole policy of a container's surroundings. Pure. */

import {
  containerFlag,
  mountFlag,
  mountType,
  processFlag,
  type WireContainer,
  type WireDevice,
  type WireMount,
  type WireProcess,
} from '#native/protocol.ts';
import { allCapabilities, capabilityBits, defaultCapabilities } from './capabilities.ts';
import { oomFile } from './cgroup-limits.ts';
import { type Hierarchies, v1Directories, v2Directory } from './cgroups.ts';
import { defaultLogLimits, mostBytes } from './log-rotation.ts';
import type { ContainerSpec, ExecSpec, Mount, SandboxSpec } from './runtime.ts';

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

const character = 0o020000;

/** The devices every container has (OCI runtime-spec, config-linux.md, Default Devices). */
export const standardDevices: readonly WireDevice[] = [
  { name: 'null', mode: character | 0o666, major: 1, minor: 3 },
  { name: 'zero', mode: character | 0o666, major: 1, minor: 5 },
  { name: 'full', mode: character | 0o666, major: 1, minor: 7 },
  { name: 'random', mode: character | 0o666, major: 1, minor: 8 },
  { name: 'urandom', mode: character | 0o666, major: 1, minor: 9 },
  { name: 'tty', mode: character | 0o666, major: 5, minor: 0 },
];

/** Docker's limit of open files; getrlimit(2) numbers. */
const rlimits = [{ resource: 7, soft: 1_048_576n, hard: 1_048_576n }];

const propagationFlag = { private: 0, rslave: mountFlag.rslave, rshared: mountFlag.rshared };

const wireMount = (mount: Mount): WireMount => ({
  type: mountType[mount.type],
  flags:
    (mount.readonly ? mountFlag.readonly : 0) |
    propagationFlag[mount.propagation ?? 'private'] |
    (mount.options ?? []).reduce((flags, option) => flags | mountFlag[option], 0),
  root: mount.root ?? '',
  sizeBytes: mount.sizeBytes ?? 0,
  source: mount.source ?? '',
  target: mount.target,
});

const defaultBits = capabilityBits(defaultCapabilities);
const makeNodes = capabilityBits(['CAP_MKNOD']);

/** The container's capabilities as bits: those of its root, and the bounding set of others. */
export function capabilitiesOf(spec: ContainerSpec, hierarchies: Hierarchies): bigint {
  if (spec.privileged) return allCapabilities;
  const { capabilities } = spec;
  const bits = capabilities === undefined ? defaultBits : capabilityBits(capabilities);
  // Without the v1 device controller nothing would keep a node made inside from being the host's disk.
  return hierarchies.v1.devices === undefined ? bits & ~makeNodes : bits;
}

function flagsOf(
  spec: { readonly tty: boolean; readonly stdin: boolean },
  noNewPrivileges: boolean,
) {
  return (
    (spec.tty ? processFlag.tty : 0) |
    (spec.stdin ? processFlag.stdin : 0) |
    (noNewPrivileges ? processFlag.noNewPrivileges : 0)
  );
}

/** The container's first process. */
function firstProcess(around: Surroundings): WireProcess {
  const { spec, hierarchies, cgroup } = around;
  return {
    flags: flagsOf(spec, spec.noNewPrivileges),
    columns: 0,
    rows: 0,
    uid: spec.user.uid,
    gid: spec.user.gid,
    groups: spec.user.groups,
    capabilities: capabilitiesOf(spec, hierarchies),
    oomScoreAdj: spec.oomScoreAdj,
    rlimits,
    cgroups: v1Directories(hierarchies, cgroup),
    cgroup2: v2Directory(hierarchies, cgroup),
    args: spec.args,
    env: spec.env,
    cwd: spec.cwd,
    seccomp: around.seccomp,
  };
}

/** A further process of a container: as restricted as its first one. */
export function execProcess(around: Surroundings, exec: ExecSpec): WireProcess {
  const first = firstProcess(around);
  return {
    ...first,
    flags: flagsOf(exec, around.spec.noNewPrivileges),
    ...(exec.size ?? {}),
    args: exec.args,
    env: exec.env ?? first.env,
    cwd: exec.cwd ?? first.cwd,
    ...(exec.user ?? {}),
  };
}

/** The whole order to a supervisor. */
export function wireContainer(around: Surroundings): WireContainer {
  const { spec, sandbox, namespaces, hierarchies, cgroup } = around;
  const log = spec.logLimits ?? defaultLogLimits;
  return {
    flags:
      (sandbox.hostPid ? containerFlag.hostPid : 0) |
      (spec.readonlyRootfs ? containerFlag.readonlyRoot : 0) |
      (spec.privileged ? containerFlag.privileged : 0) |
      (spec.stdinOnce ? containerFlag.stdinOnce : 0),
    logPath: spec.logPath,
    logLargeBytes: log.rotateBytes,
    logMostBytes: mostBytes(log),
    netns: sandbox.netnsPath ?? '',
    ipcns: sandbox.hostIpc ? '' : namespaces.ipc,
    utsns: namespaces.uts,
    shm: sandbox.hostIpc ? '/dev/shm' : namespaces.shm,
    oomFile: oomFile(hierarchies, cgroup),
    layers: spec.layers.toReversed(),
    upper: `${spec.layerDir}/upper`,
    work: `${spec.layerDir}/work`,
    mounts: spec.mounts.map(wireMount),
    devices: around.devices,
    masked: spec.privileged ? [] : maskedPaths,
    readonlyPaths: spec.privileged ? [] : readonlyPaths,
    process: firstProcess(around),
  };
}
