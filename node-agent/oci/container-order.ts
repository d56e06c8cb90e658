/** A whole configuration as a supervisor is told of it, and what is done before. */

import { existsSync, statSync } from 'node:fs';
import { encodeContainer } from '#native/encode.ts';
import { containerFlag, namespaceType, propagation, type WireDevice } from '#native/protocol.ts';
import type { Step } from '#native/spawn.ts';
import { hierarchiesOf } from './cgroups.ts';
import type { Config } from './config/config.ts';
import type { Linux } from './config/linux.ts';
import { ConfigError } from './config/problem.ts';
import type { Process } from './config/process.ts';
import { sysctlPath } from './config/sysctls.ts';
import type { Log } from './globals.ts';
import { makesDevices, wireMaps, wireMounts } from './mounts.ts';
import { hostId, wireProcess } from './process-order.ts';
import { ownPlaceSteps, placeSteps } from './resources.ts';
import type { Footing } from './rootless.ts';
import { standIns, withoutRights } from './rootless-config.ts';
import { standardDevices, standardLinks } from './standard-devices.ts';
import type { State } from './state.ts';

const fileType = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** Without rights on the host nodes are not made: who has none has binds in their place. */
function devicesOf(config: Config, footing: Footing | undefined): WireDevice[] {
  const linux: Linux = config.linux ?? {};
  const id = footing === undefined ? hostId : (_: unknown, inside: number) => inside;
  const asked = (linux.devices ?? []).map((device) => ({
    path: device.path,
    mode: fileType[device.type] | ((device.fileMode ?? 0o666) & 0o7777),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    uid: id(linux.uidMappings, device.uid ?? 0),
    gid: id(linux.gidMappings, device.gid ?? 0),
  }));
  const named = new Set(asked.map(({ path }) => path));
  const standard = standardDevices
    .filter(({ path }) => !named.has(path))
    .map((device) => ({
      ...device,
      mode: fileType.c | 0o666,
      uid: hostId(linux.uidMappings, 0),
      gid: hostId(linux.gidMappings, 0),
    }));
  return [...(makesDevices(config) && footing === undefined ? standard : []), ...asked];
}

/** sched.h's clocks. */
const clocks = { monotonic: 1, boottime: 7 } as const;

function timeOffsets({ timeOffsets: offsets }: Linux) {
  return (['monotonic', 'boottime'] as const).flatMap((name) => {
    const offset = offsets?.[name];
    if (offset === undefined) return [];
    const { secs = 0n, nanosecs = 0 } = offset;
    return [{ clock: clocks[name], seconds: secs, nanoseconds: nanosecs }];
  });
}

function rootPropagation({ rootfsPropagation: wanted }: Linux): number {
  if (wanted == null) return 0;
  // What is mounted below comes from the bundle, and says for itself.
  return propagation[wanted.replace(/^r/, '') as keyof typeof propagation];
}

function checkRoot(rootfs: string): void {
  const facts = statSync(rootfs, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return;
  const message = `${rootfs} ${facts === undefined ? 'does not exist' : 'is not a directory'}`;
  throw new ConfigError('config.json', [{ path: 'root.path', message }]);
}

/** SELinux's file system: without it nobody keeps what a label says. */
function checkMountLabel({ mountLabel }: Linux): void {
  if (!mountLabel || existsSync('/sys/fs/selinux/enforce')) return;
  const message = `this machine has no SELinux to keep ${JSON.stringify(mountLabel)}`;
  throw new ConfigError('config.json', [{ path: 'linux.mountLabel', message }]);
}

/** What is made in a mount namespace stays there: in our own it would be the host's. */
function checkJoinedMounts({ namespaces = [] }: Linux): void {
  const index = (namespaces ?? []).findIndex(({ type, path }) => type === 'mount' && path);
  const path = namespaces?.[index]?.path;
  if (!path) return;
  const facts = statSync(path, { throwIfNoEntry: false });
  const own = statSync('/proc/self/ns/mnt');
  const isOwn = facts?.ino === own.ino && facts.dev === own.dev;
  if (facts !== undefined && !isOwn) return;
  const why = isOwn ? "is the host's own: its mounts would be changed" : 'does not exist';
  const field = `linux.namespaces[${index}].path`;
  throw new ConfigError('config.json', [{ path: field, message: `${path} ${why}` }]);
}

/** Stands at the gate for a container without process until it is deleted. */
const nobody: Process = { cwd: '/', args: ['/'] };

function namespacesOf({ namespaces }: Linux, footing: Footing | undefined) {
  const user = footing?.held?.path;
  return (namespaces ?? [])
    .filter(({ type, path }) => type !== 'mount' || path) // a new one is always made
    .map(({ type, path }) => ({
      type: namespaceType[type],
      path: (type === 'user' ? user : undefined) ?? path ?? '',
    }));
}

function flagsOf({ root }: Config, footing: Footing | undefined): number {
  return (
    containerFlag.plainRoot |
    (root?.readonly === true ? containerFlag.readonlyRoot : 0) |
    (footing?.held === undefined ? 0 : containerFlag.alone)
  );
}

/** `footing`: of who has no rights on the host. */
export async function containerOrder(
  wanted: Config,
  state: State,
  log: Log,
  footing?: Footing,
): Promise<{ readonly spec: Buffer; readonly before: Step[]; readonly meanwhile: Step[] }> {
  checkRoot(state.rootfs);
  const hierarchies = await hierarchiesOf(state);
  const config = footing === undefined ? wanted : withoutRights(wanted, hierarchies);
  const linux: Linux = config.linux ?? {};
  checkMountLabel(linux);
  checkJoinedMounts(linux);
  const { bundle, cgroup, resources = {} } = state;
  const place = footing === undefined ? placeSteps : ownPlaceSteps;
  const meanwhile = place(hierarchies, cgroup, resources, log);
  const world = { bundle, hierarchies, cgroup, resources };
  const mounts = wireMounts(config, footing === undefined ? world : { ...world, standIns });
  const around = { cgroup, resources, hierarchies, exec: false, log, footing };
  const spec = encodeContainer({
    flags: flagsOf(config, footing),
    logPath: '',
    logLargeBytes: 0,
    logMostBytes: 0,
    oomFile: '',
    namespaces: namespacesOf(linux, footing),
    uidMap: wireMaps(linux.uidMappings),
    gidMap: wireMaps(linux.gidMappings),
    timeOffsets: timeOffsets(linux),
    hostname: config.hostname ?? '',
    domainname: config.domainname ?? '',
    sysctls: Object.entries(linux.sysctl ?? {}).map(([name, value]) => ({
      name: sysctlPath(name),
      value,
    })),
    rootPropagation: rootPropagation(linux),
    layers: [state.rootfs],
    upper: '',
    work: '',
    mounts,
    mountsBeforeDevices: mounts.length,
    devices: devicesOf(config, footing),
    links: makesDevices(config) ? standardLinks : [],
    masked: linux.maskedPaths ?? [],
    readonlyPaths: linux.readonlyPaths ?? [],
    process: await wireProcess(config.process ?? nobody, config, around),
  });
  return { spec, before: [], meanwhile };
}
