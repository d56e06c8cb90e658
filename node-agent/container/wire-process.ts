/** Processes of a container to what a supervisor is told of them. Pure. */

import { plainProcess } from '#native/plain-process.ts';
import { processFlag, type WireLandlock, type WireProcess } from '#native/protocol.ts';
import {
  allCapabilities,
  capabilityBits,
  capabilitySets,
  defaultCapabilities,
} from './capabilities.ts';
import { holdsDevices } from './cgroup-devices.ts';
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
  // Where nothing holds back who opens what, a node made inside could be the host's disk.
  return holdsDevices(hierarchies) ? bits : bits & ~makeNodes;
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

/** The kernel takes 2^32 - 1 for "leave it as it is", which would be root; a larger one would begin anew at 0. */
const lastId = 2 ** 32 - 2;

/** @throws Error for what is no number of a user or group: it would be somebody else's (CVE-2024-40635) */
function checkedIds({ uid, gid, groups }: ContainerSpec['user']): void {
  for (const id of [uid, gid, ...groups]) {
    if (!Number.isInteger(id) || id < 0 || id > lastId) {
      throw new Error(`user ${uid}:${gid}: ${id} is not a whole number from 0 to ${lastId}`);
    }
  }
}

/** Where init is shown: in memory, so that no layer has a trace of it. */
export const initTarget = '/dev/init';

/** The container's first process. */
export function firstProcess(around: Surroundings): WireProcess {
  const { spec, hierarchies, cgroup, sandbox } = around;
  const { uid, gid, groups } = spec.user;
  checkedIds(spec.user);
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

/** What further processes of a container have of its first one: as this user, as restricted. Frozen, to be kept. */
export function confinement(around: Surroundings, user: ContainerSpec['user']): WireProcess {
  return Object.freeze(firstProcess({ ...around, spec: { ...around.spec, user } }));
}

/** Programs ask what terminal they have; one that was named stays. */
function withTerminal(env: readonly string[], tty: boolean): readonly string[] {
  return !tty || env.some((entry) => entry.startsWith('TERM=')) ? env : [...env, 'TERM=xterm'];
}

/** The container that a further process joins. */
export type Joining = Pick<Surroundings, 'spec' | 'sandbox'>;

/** A further process of a container. */
export function execProcess(
  { spec, sandbox }: Joining,
  confined: WireProcess,
  exec: ExecSpec,
): WireProcess {
  const joins = userNamespaceOf(sandbox) === undefined ? 0 : processFlag.joinUser;
  const detached = exec.detached === true ? processFlag.detached : 0;
  return {
    ...confined,
    flags: flagsOf(exec, spec.noNewPrivileges) | joins | detached,
    ...(exec.size ?? {}),
    args: exec.args,
    env: withTerminal(exec.env ?? confined.env, exec.tty),
    cwd: exec.cwd ?? confined.cwd,
  };
}
