/** Processes of a container to what a supervisor is told of them. Pure. */

import {
  plainProcess,
  processFlag,
  type WireLandlock,
  type WireProcess,
} from '#native/protocol.ts';
import {
  allCapabilities,
  capabilityBits,
  capabilitySets,
  defaultCapabilities,
} from './capabilities.ts';
import { type Hierarchies, v1Directories, v2Directory } from './cgroups.ts';
import { wireLimits } from './rlimits.ts';
import type { ContainerSpec, ExecSpec } from './runtime.ts';
import { hostId, type LandlockRules } from './settings.ts';
import { type Surroundings, userNamespaceOf } from './surroundings.ts';

/** Docker's limit of open files; getrlimit(2) numbers. */
const defaultLimits = [{ resource: 7, soft: 1_048_576n, hard: 1_048_576n }];

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

/** linux/landlock.h: the accesses of its first version, which every kernel that has it knows. */
const everyAccess = (1n << 13n) - 1n;
const execute = 1n;
const readFile = 4n;
const readDirectory = 8n;

function landlockOf(rules: LandlockRules | undefined): WireLandlock {
  if (rules === undefined) return plainProcess.landlock;
  const read = execute | readFile | readDirectory;
  return {
    handled: everyAccess,
    rules: [
      ...rules.readOnly.map((path) => ({ access: read, path })),
      ...rules.readWrite.map((path) => ({ access: everyAccess, path })),
    ],
  };
}

function flagsOf(
  { tty, stdin }: { readonly tty: boolean; readonly stdin: boolean },
  noNewPrivileges: boolean,
): number {
  return (
    processFlag.oomScore |
    (tty ? processFlag.tty : 0) |
    (stdin ? processFlag.stdin : 0) |
    (noNewPrivileges ? processFlag.noNewPrivileges : 0)
  );
}

/** Where init is shown: in memory, so that no layer has a trace of it. */
export const initTarget = '/dev/init';

/** The container's first process. */
export function firstProcess(around: Surroundings): WireProcess {
  const { spec, hierarchies, cgroup, sandbox } = around;
  const { uid, gid, groups } = spec.user;
  const user = userNamespaceOf(sandbox);
  return {
    ...plainProcess,
    flags: flagsOf(spec, spec.noNewPrivileges) | processFlag.makeCwd,
    uid,
    gid,
    groups,
    umask: spec.umask ?? plainProcess.umask,
    owner: user === undefined ? uid : hostId(user.uids, uid),
    capabilities: capabilitySets(capabilitiesOf(spec, hierarchies), uid),
    oomScoreAdj: spec.oomScoreAdj,
    rlimits: spec.rlimits === undefined ? defaultLimits : wireLimits(spec.rlimits, defaultLimits),
    apparmor: spec.apparmor ?? '',
    selinux: spec.selinux ?? '',
    landlock: landlockOf(spec.landlock),
    cgroups: v1Directories(hierarchies, cgroup, spec.resources),
    cgroup2: v2Directory(hierarchies, cgroup),
    args: spec.init === true ? [initTarget, ...spec.args] : spec.args,
    env: spec.env,
    cwd: spec.cwd,
    seccomp: around.seccomp,
  };
}

/** A further process of a container: as restricted as its first one. */
export function execProcess(around: Surroundings, exec: ExecSpec): WireProcess {
  const user = exec.user ?? around.spec.user;
  const first = firstProcess({ ...around, spec: { ...around.spec, user } });
  const joins = userNamespaceOf(around.sandbox) === undefined ? 0 : processFlag.joinUser;
  return {
    ...first,
    flags: flagsOf(exec, around.spec.noNewPrivileges) | joins,
    ...(exec.size ?? {}),
    args: exec.args,
    env: exec.env ?? first.env,
    cwd: exec.cwd ?? first.cwd,
  };
}
