/** `process` of a configuration as a supervisor is told of it. */

import { encodeProcess } from '#native/encode.ts';
import { plainProcess } from '#native/plain-process.ts';
import { processFlag, type WireCapabilities, type WireProcess } from '#native/protocol.ts';
import { allCapabilities, capabilityBits } from '../container/capabilities.ts';
import { holdsDevices } from '../container/cgroup-devices.ts';
import type { Resources } from '../container/cgroup-resources.ts';
import { type Hierarchies, v1Directories, v2Directory } from '../container/cgroups.ts';
import { hierarchiesOf } from './cgroups.ts';
import type { Config, Hook } from './config/config.ts';
import type { IdMapping } from './config/linux.ts';
import { wireMemoryPolicy } from './config/memory-policy.ts';
import {
  ioClasses,
  type Process,
  rlimitNames,
  schedulerFlags,
  schedulers,
} from './config/process.ts';
import { cpuMask } from './cpu-mask.ts';
import type { Log } from './globals.ts';
import { joinedMountsOf } from './joined-mounts.ts';
import { checkGroups, type Footing, forbidsGroups, isRootless } from './rootless.ts';
import { seccompFilter } from './seccomp.ts';
import type { State } from './state.ts';

/** The id that a container's id is on the host; without maps the same. */
export function hostId(maps: readonly IdMapping[] | null | undefined, id: number): number {
  if (maps == null || maps.length === 0) return id;
  const map = maps.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return map === undefined ? id : map.hostID + (id - map.containerID);
}

/** Names that this kernel does not know are warned about and left out, as the specification wants. */
function namedBits(names: readonly string[] | null | undefined, log: Log): bigint {
  let set = 0n;
  for (const name of names ?? []) {
    try {
      set |= capabilityBits([name]);
    } catch {
      log.warn(`process.capabilities: ${name} is unknown and cannot be granted`);
    }
  }
  return set;
}

/** Where nothing holds back who opens what, a node made inside could be the host's disk: none can be made. */
const makeNodes = capabilityBits(['CAP_MKNOD']);

function capabilitiesOf(
  { capabilities }: Process,
  { hierarchies, log, footing }: Around,
): WireCapabilities {
  const all = capabilities ?? {};
  const kept = footing !== undefined || holdsDevices(hierarchies) ? ~0n : ~makeNodes;
  const bits = (names: readonly string[] | null | undefined) => namedBits(names, log) & kept;
  return {
    bounding: bits(all.bounding),
    effective: bits(all.effective),
    permitted: bits(all.permitted),
    inheritable: bits(all.inheritable),
    ambient: bits(all.ambient),
  };
}

/** linux/sched/types.h: struct sched_attr, its first version. */
function schedulerBytes({ scheduler }: Process): Uint8Array {
  if (scheduler == null) return new Uint8Array(0);
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(schedulers[scheduler.policy], 4);
  const flags = (scheduler.flags ?? []).reduce((sum, name) => sum | schedulerFlags[name], 0);
  bytes.writeBigUInt64LE(BigInt(flags), 8);
  bytes.writeInt32LE(scheduler.nice ?? 0, 16);
  bytes.writeUInt32LE(scheduler.priority ?? 0, 20);
  bytes.writeBigUInt64LE(scheduler.runtime ?? 0n, 24);
  bytes.writeBigUInt64LE(scheduler.deadline ?? 0n, 32);
  bytes.writeBigUInt64LE(scheduler.period ?? 0n, 40);
  return bytes;
}

const ioClassShift = 13;
const ioPriorityOf = ({ ioPriority }: Process): number =>
  ioPriority == null ? 0 : (ioClasses[ioPriority.class] << ioClassShift) | ioPriority.priority;

/** personality(2): PER_LINUX, PER_LINUX32. */
const personalities = { LINUX: 0, LINUX32: 8 } as const;

/** Of who has no rights on the host, and of user namespaces that somebody such has made. */
function rightsFlags(footing: Pick<Footing, 'keepsGroups'> | undefined): number {
  return (
    (isRootless() ? processFlag.rootless : 0) |
    (footing?.keepsGroups === true ? processFlag.keepGroups : 0)
  );
}

function flagsOf(process: Process, joinsUser: boolean): number {
  return (
    (process.terminal === true ? processFlag.tty : 0) |
    (process.noNewPrivileges === true ? processFlag.noNewPrivileges : 0) |
    (process.oomScoreAdj == null ? 0 : processFlag.oomScore) |
    (joinsUser ? processFlag.joinUser : 0)
  );
}

/** A mount namespace that is joined by path has another's root. */
const rootFlag = (config: Config): number =>
  joinedMountsOf(config) === undefined ? 0 : processFlag.ownRoot;

/** The cgroup of a process, and what it is limited to. */
interface Cgroup {
  readonly cgroup: string;
  readonly resources?: Resources;
}

/** The directories that a process joins: limits say which there are. */
const cgroupsOf = (hierarchies: Hierarchies, { cgroup, resources }: Cgroup) => ({
  cgroups: v1Directories(hierarchies, cgroup, resources),
  cgroup2: v2Directory(hierarchies, cgroup),
});

/** What of a process the cgroups and the rest of the configuration decide. */
function placeOf(config: Config, hierarchies: Hierarchies, place: Cgroup) {
  const { personality, memoryPolicy } = config.linux ?? {};
  return {
    ...(personality == null ? {} : { personality: personalities[personality.domain] }),
    ...(memoryPolicy == null ? {} : { memoryPolicy: wireMemoryPolicy(memoryPolicy) }),
    ...cgroupsOf(hierarchies, place),
  };
}

interface Around extends Cgroup {
  readonly hierarchies: Hierarchies;
  readonly exec: boolean;
  readonly log: Log;
  readonly footing?: Pick<Footing, 'keepsGroups'> | undefined;
  /** What the process comes from, for messages; config.json. */
  readonly document?: string;
}

export async function wireProcess(
  process: Process,
  config: Config,
  around: Around,
): Promise<WireProcess> {
  const linux = config.linux ?? {};
  if (around.footing?.keepsGroups) checkGroups(process, around.document ?? 'config.json');
  const { uid = 0, gid = 0, umask, additionalGids } = process.user ?? {};
  const capabilities = capabilitiesOf(process, around);
  const size = process.terminal === true ? process.consoleSize : undefined;
  const affinity = around.exec ? (process.execCPUAffinity ?? {}) : {};
  const hasUser = (linux.namespaces ?? []).some(({ type }) => type === 'user');
  return {
    ...plainProcess,
    ...placeOf(config, around.hierarchies, around),
    flags:
      flagsOf(process, around.exec && hasUser) |
      rightsFlags(around.footing) |
      (around.exec ? rootFlag(config) : processFlag.makeCwd),
    columns: size?.width ?? 0,
    rows: size?.height ?? 0,
    uid,
    gid,
    groups: additionalGids ?? [],
    umask: umask ?? 0o022,
    // Of who is in the namespace already ids are the namespace's.
    owner: isRootless() ? uid : hostId(linux.uidMappings, uid),
    capabilities,
    oomScoreAdj: process.oomScoreAdj ?? 0,
    rlimits: (process.rlimits ?? []).map(({ type, soft, hard }) => ({
      resource: rlimitNames.indexOf(type),
      soft,
      hard,
    })),
    scheduler: schedulerBytes(process),
    ioPriority: ioPriorityOf(process),
    firstCpus: cpuMask(affinity.initial),
    lastCpus: cpuMask(affinity.final),
    apparmor: process.apparmorProfile ?? '',
    selinux: process.selinuxLabel ?? '',
    args: process.args ?? [],
    env: process.env ?? [],
    cwd: process.cwd,
    ...(await seccompFilter(linux.seccomp, capabilities.bounding, around.log)),
  };
}

/** For `exec`: a process, of the document or flags named so, of a container that exists. */
export async function processOrder(
  { process, document }: { readonly process: Process; readonly document: string },
  config: Config,
  state: State,
  log: Log,
): Promise<Buffer> {
  const hierarchies = await hierarchiesOf(state);
  const footing = footingIn(state);
  const around = { ...placeIn(state), hierarchies, exec: true, log, footing, document };
  return encodeProcess(await wireProcess(process, config, around));
}

const placeIn = ({ cgroup, resources = {} }: State): Cgroup => ({ cgroup, resources });

/** Somebody who has no rights on the host has made it: what its user namespace forbids. */
function footingIn({ hierarchies, init }: State): Pick<Footing, 'keepsGroups'> | undefined {
  if (hierarchies === undefined || init === undefined) return;
  return { keepsGroups: forbidsGroups(init.pid) };
}

/** A hook in the container's namespaces: root's powers, the hook's own environment, the container's limits. */
export async function hookOrder({ path, args, env }: Hook, state: State): Promise<Buffer> {
  const hierarchies = await hierarchiesOf(state);
  const all = allCapabilities;
  return encodeProcess({
    ...plainProcess,
    flags:
      (state.hasUser === true ? processFlag.joinUser : 0) |
      rightsFlags(footingIn(state)) |
      (state.ownRoot === true ? processFlag.ownRoot : 0),
    capabilities: { bounding: all, effective: all, permitted: all, inheritable: 0n, ambient: 0n },
    ...cgroupsOf(hierarchies, placeIn(state)),
    args: [path, ...(args ?? []).slice(1)],
    env: env ?? [],
  });
}
