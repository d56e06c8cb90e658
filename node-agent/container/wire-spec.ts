/** From what the pod side asks to what a supervisor is told: the whole policy of a container's surroundings. Pure. */

import { buildDir } from '#native/load.ts';
import {
  containerFlag,
  mountAttribute,
  mountKind,
  namespaceType,
  processFlag,
  type WireContainer,
  type WireMount,
} from '#native/protocol.ts';
import { oomFile } from './cgroup-limits.ts';
import { defaultLogLimits, mostBytes } from './log-rotation.ts';
import { hostId } from './settings.ts';
import { standardLinks, standardMounts, wireMount } from './standard-mounts.ts';
import { type Surroundings, userNamespaceOf } from './surroundings.ts';
import { sysctlPaths } from './sysctls.ts';
import { ownMount } from './wire-mounts.ts';
import { firstProcess, initTarget } from './wire-process.ts';

/** moby, oci/defaults.go. */
export const maskedPaths: readonly string[] = [
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
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** debian's group of terminals, which images have, too */
const ttyGroup = 5;

type Namespaces = WireContainer['namespaces'];

/** Without a path a new one, where only the loopback is. */
const ownNetwork = ({ netnsPath, noNetwork }: Surroundings['sandbox']): boolean =>
  noNetwork === true || netnsPath !== undefined;

function namespacesOf({ sandbox, namespaces, joined: held }: Surroundings): Namespaces {
  const named = (type: number, path = '') => ({ type, path });
  const { mount, cgroup, user, pid, ipc, uts, network } = namespaceType;
  const joined = held?.paths ?? {};
  const ownPid = sandbox.sharePid === true ? namespaces.pid : '';
  return [
    named(mount),
    named(cgroup),
    ...(sandbox.userNamespace === undefined ? [] : [named(user)]),
    ...(sandbox.hostPid ? [] : [named(pid, joined.pid ?? ownPid)]),
    ...(sandbox.hostIpc ? [] : [named(ipc, joined.ipc ?? namespaces.ipc)]),
    ...(sandbox.hostUts === true ? [] : [named(uts, namespaces.uts)]),
    ...(joined.network === undefined ? [] : [named(network, joined.network)]),
    ...(joined.network === undefined && ownNetwork(sandbox)
      ? [named(network, sandbox.netnsPath)]
      : []),
  ];
}

/**
 * Root of a user namespace has no power over the network, which is the host's to configure: what it needs most, low
 * ports and ping, is open to everybody in there.
 */
const openNetwork = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};

function sysctlsOf({ spec, sandbox }: Surroundings): WireContainer['sysctls'] {
  const own = {
    ipc: !sandbox.hostIpc && spec.joins?.ipc === undefined,
    network: ownNetwork(sandbox) && spec.joins?.network === undefined,
  };
  const open = sandbox.userNamespace !== undefined && own.network ? openNetwork : {};
  return sysctlPaths({ ...open, ...sandbox.sysctls }, own);
}

/** Our init, for a container that asked for it. */
const initMount: WireMount = wireMount({
  kind: mountKind.bind,
  source: `${buildDir}init`,
  target: initTarget,
  set: mountAttribute.readonly | mountAttribute.nosuid | mountAttribute.nodev,
});

function mountsOf({ spec, sandbox, namespaces, hierarchies, cgroup }: Surroundings) {
  const user = userNamespaceOf(sandbox);
  const standard = standardMounts({
    writable: spec.privileged,
    hierarchies,
    cgroup,
    shm: sandbox.hostIpc ? '/dev/shm' : namespaces.shm,
    ttyGid: user ? hostId(user.gids, ttyGroup) : ttyGroup,
    mapped: user !== undefined,
  });
  const own = spec.mounts.map((mount) => ownMount(mount, user !== undefined));
  const init = spec.init === true ? [initMount] : [];
  return { mounts: [...standard, ...init, ...own], mountsBeforeDevices: standard.length };
}

/** The whole order to a supervisor. `layers`: their root directories, lowest first. */
export function wireContainer(around: Surroundings, layers: readonly string[]): WireContainer {
  const { spec, sandbox, hierarchies, cgroup } = around;
  const log = spec.logLimits ?? defaultLogLimits;
  const user = userNamespaceOf(sandbox);
  const open = spec.privileged || spec.unmasked === true;
  return {
    flags:
      (spec.readonlyRootfs ? containerFlag.readonlyRoot : 0) |
      (spec.stdinOnce ? containerFlag.stdinOnce : 0) |
      (spec.keepsLayer === true ? containerFlag.keepLayer : 0) |
      (user === undefined ? 0 : containerFlag.mapLayers),
    logPath: spec.logPath,
    logLargeBytes: log.rotateBytes,
    logMostBytes: mostBytes(log),
    oomFile: oomFile(hierarchies, cgroup),
    namespaces: namespacesOf(around),
    uidMap: user?.uids ?? [],
    gidMap: user?.gids ?? [],
    timeOffsets: [],
    hostname: '',
    domainname: sandbox.domainname ?? '',
    sysctls: sysctlsOf(around),
    rootPropagation: 0,
    layers: layers.toReversed(),
    upper: spec.readonlyRootfs ? '' : `${spec.layerDir}/upper`,
    work: spec.readonlyRootfs ? '' : `${spec.layerDir}/work`,
    ...mountsOf(around),
    devices: around.devices.nodes,
    links: standardLinks,
    masked: open ? [] : maskedPaths,
    readonlyPaths: open ? [] : readonlyPaths,
    process: firstProcess(around),
  };
}

/** The same for a container whose program is to run later. */
export function heldContainer(around: Surroundings, layers: readonly string[]): WireContainer {
  const wire = wireContainer(around, layers);
  return { ...wire, process: { ...wire.process, flags: wire.process.flags | processFlag.held } };
}
