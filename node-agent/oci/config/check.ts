/** What the fields of a configuration must be to each other, and what this runtime cannot do: refused, never passed over. Pure. */

import type { Config } from './config.ts';
import {
  type IdMapping,
  isLinkName,
  type Linux,
  linkNameShape,
  type NamespaceType,
} from './linux.ts';
import { checkMemoryPolicy } from './memory-policy.ts';
import type { Problem } from './problem.ts';
import type { Process } from './process.ts';
import { checkScheduler } from './scheduling.ts';
import { sysctlProblems } from './sysctls.ts';

type Say = (path: string, message: string) => void;

/** Every disagreement, with the fields it is about. */
export function checkConfig(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const say: Say = (path, message) => problems.push({ path, message });
  if (config.root == null) say('root.path', 'expected a path, found nothing');
  if (config.process != null) checkProcess(config.process, 'process', say);
  const linux = config.linux ?? {};
  const kinds = new Set(checkNamespaces(linux, say));
  for (const field of ['hostname', 'domainname'] as const) {
    if (config[field] && !kinds.has('uts')) {
      say(
        field,
        "needs a uts namespace in linux.namespaces, or it would be the host's that changes",
      );
    }
  }
  checkMaps(linux, kinds, say);
  if (config.process?.user != null && isNew(linux, 'user')) {
    checkMapped(config.process.user, linux, say);
  }
  if (linux.timeOffsets != null && Object.keys(linux.timeOffsets).length > 0) {
    if (!isNew(linux, 'time')) say('linux.timeOffsets', 'needs a new time namespace');
  }
  problems.push(...sysctlProblems(linux.sysctl ?? {}, kinds));
  checkDevices(linux, say);
  checkCgroupsPath(linux, say);
  checkUnsupported(linux, say);
  checkNetDevices(linux, kinds, say);
  if (linux.memoryPolicy != null) {
    checkMemoryPolicy(linux.memoryPolicy, (field, message) =>
      say(`linux.memoryPolicy.${field}`, message),
    );
  }
  if (Object.hasOwn(config.annotations ?? {}, '')) say('annotations', 'a key is empty');
  (config.mounts ?? []).forEach((mount, index) => {
    const maps = [mount.uidMappings, mount.gidMappings].map((map) => (map?.length ?? 0) > 0);
    if (maps[0] !== maps[1]) {
      say(`mounts[${index}]`, 'uidMappings and gidMappings are given together or not at all');
    }
  });
  return problems;
}

/** Links of /proc to what a process holds open or stands in: a way out of the container (CVE-2024-21626). */
const leading =
  /^\/+proc\/+(self|thread-self|\d+)(\/+task\/+\d+)?\/+(fd|cwd|root|exe|map_files)(\/|$)/;

/** The same for `process` of a config.json and of `exec`. */
export function checkProcess(process: Process, at: string, say: Say): void {
  if (process.args != null && process.args.length === 0) {
    say(`${at}.args`, 'expected at least one');
  }
  if (process.args?.[0] === '') say(`${at}.args[0]`, 'expected a program, found ""');
  if (leading.test(process.cwd)) {
    say(`${at}.cwd`, `${process.cwd} leads through descriptors of a process, not below the root`);
  }
  const seen = new Set<string>();
  (process.rlimits ?? []).forEach(({ type, soft, hard }, index) => {
    if (seen.has(type)) say(`${at}.rlimits[${index}].type`, `${type} is given twice`);
    seen.add(type);
    if (soft > hard) say(`${at}.rlimits[${index}].soft`, `${soft} is more than hard, ${hard}`);
  });
  if (process.scheduler != null) {
    checkScheduler(process.scheduler, (field, message) => say(`${at}.scheduler.${field}`, message));
  }
  if (process.execCPUAffinity != null) {
    for (const field of ['initial', 'final'] as const) {
      const value = process.execCPUAffinity[field];
      if (value !== undefined && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value)) {
        say(
          `${at}.execCPUAffinity.${field}`,
          `expected a list of CPUs like 0-3,7, found ${JSON.stringify(value)}`,
        );
      }
    }
  }
}

const isNew = (linux: Linux, kind: NamespaceType): boolean =>
  (linux.namespaces ?? []).some(({ type, path }) => type === kind && !path);

function checkNamespaces(linux: Linux, say: Say): NamespaceType[] {
  const seen: NamespaceType[] = [];
  (linux.namespaces ?? []).forEach(({ type, path }, index) => {
    const at = `linux.namespaces[${index}]`;
    if (seen.includes(type)) say(`${at}.type`, `${type} is given twice`);
    seen.push(type);
    if (path && !path.startsWith('/'))
      say(`${at}.path`, `expected an absolute path, found ${path}`);
  });
  if (!seen.includes('mount')) {
    say('linux.namespaces', 'a mount namespace is needed: the root would be changed for the host');
  } else if (!isNew(linux, 'mount') && seen.includes('user')) {
    say('linux.namespaces', 'a mount namespace that is joined cannot belong to a user namespace');
  }
  return seen;
}

function checkMap(map: readonly IdMapping[], at: string, say: Say): void {
  const limit = 2 ** 32 - 1;
  map.forEach(({ containerID, hostID, size }, index) => {
    if (containerID + size > limit || hostID + size > limit) {
      say(`${at}[${index}].size`, `${size} ids from there on are more than there are`);
    }
    for (const [field, start] of [
      ['containerID', containerID],
      ['hostID', hostID],
    ] as const) {
      const overlaps = map
        .slice(0, index)
        .some((other) => start < other[field] + other.size && other[field] < start + size);
      if (overlaps) say(`${at}[${index}].${field}`, 'overlaps an earlier range');
    }
  });
}

function checkMaps(linux: Linux, kinds: ReadonlySet<NamespaceType>, say: Say): void {
  for (const field of ['uidMappings', 'gidMappings'] as const) {
    const map = linux[field] ?? [];
    if (map.length > 0 && !kinds.has('user')) {
      say(`linux.${field}`, 'needs a user namespace in linux.namespaces');
    }
    if (map.length === 0 && isNew(linux, 'user')) {
      say(`linux.${field}`, 'expected at least one range, for the new user namespace');
    }
    checkMap(map, `linux.${field}`, say);
  }
}

/** Nobody can be who is not there. */
function checkMapped(
  { uid, gid, additionalGids }: NonNullable<Process['user']>,
  linux: Linux,
  say: Say,
): void {
  const ids = [
    ['uid', 'uidMappings', uid ?? 0],
    ['gid', 'gidMappings', gid ?? 0],
    ...(additionalGids ?? []).map(
      (id, at) => [`additionalGids[${at}]`, 'gidMappings', id] as const,
    ),
  ] as const;
  for (const [field, maps, id] of ids) {
    const isMapped = (linux[maps] ?? []).some(
      ({ containerID, size }) => id >= containerID && id < containerID + size,
    );
    if (!isMapped) say(`process.user.${field}`, `${id} is not mapped by linux.${maps}`);
  }
}

function checkDevices(linux: Linux, say: Say): void {
  (linux.devices ?? []).forEach((device, index) => {
    const at = `linux.devices[${index}]`;
    if (device.type !== 'p' && (device.major === undefined || device.minor === undefined)) {
      say(at, `a device of type ${device.type} needs major and minor`);
    }
    if (device.path.split('/').includes('..')) say(`${at}.path`, `${device.path} contains ..`);
  });
}

function checkCgroupsPath(linux: Linux, say: Say): void {
  const parts = linux.cgroupsPath?.split('/') ?? [];
  if (parts.includes('..')) say('linux.cgroupsPath', `${linux.cgroupsPath} contains ..`);
}

function checkNetDevices({ netDevices }: Linux, kinds: ReadonlySet<string>, say: Say): void {
  const names = Object.keys(netDevices ?? {});
  if (names.length > 0 && !kinds.has('network')) {
    say('linux.netDevices', 'needs a network namespace in linux.namespaces to move them to');
  }
  for (const name of names.filter((each) => !isLinkName(each))) {
    say('linux.netDevices', `expected ${linkNameShape}, found ${JSON.stringify(name)}`);
  }
}

/** What would weaken a container, or change what it is, if it were passed over. */
function checkUnsupported(linux: Linux, say: Say): void {
  if (linux.intelRdt != null && Object.keys(linux.intelRdt).length > 0) {
    say('linux.intelRdt', 'is not supported: no group of /sys/fs/resctrl is made or joined');
  }
  if (linux.personality?.flags != null && linux.personality.flags.length > 0) {
    say('linux.personality.flags', 'the specification knows none yet');
  }
}
