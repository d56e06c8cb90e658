/** A configuration as it can be built without rights on the host: what is only root's is bound from there. */

import { statSync } from 'node:fs';
import type { Hierarchies } from '../container/cgroups.ts';
import type { Config, Mount } from './config/config.ts';
import type { Linux, NamespaceType } from './config/linux.ts';
import { ConfigError, type Problem } from './config/problem.ts';
import { makesDevices, targetOf } from './mounts.ts';
import { standardDevices } from './standard-devices.ts';

const isNew = ({ namespaces }: Linux, kind: NamespaceType): boolean =>
  (namespaces ?? []).some(({ type, path }) => type === kind && !path);

/** With all that is mounted in it, and all of it as restricted. */
function bound(mount: Mount, source: string): Mount {
  const wanted = (mount.options ?? []).filter((option) =>
    ['nosuid', 'noexec', 'nodev', 'ro'].includes(option),
  );
  return {
    ...mount,
    type: 'bind',
    source,
    options: ['rbind', ...wanted.map((word) => `r${word}`)],
  };
}

const isMapped = ({ gidMappings }: Linux, gid: number): boolean =>
  (gidMappings ?? []).some(
    ({ containerID, size }) => gid >= containerID && gid < containerID + size,
  );

/** A terminal's group that is nobody's in there is left away, and terminals are their owner's. */
function terminals(mount: Mount, linux: Linux): Mount {
  if ((linux.gidMappings ?? []).length === 0) return mount;
  const options = (mount.options ?? []).filter((option) => {
    const [, gid] = /^gid=(\d+)$/.exec(option) ?? [];
    return gid === undefined || isMapped(linux, Number(gid));
  });
  return { ...mount, options };
}

/** The marks of overlayfs are root's unless it is told that they are the user's. */
function overlay(mount: Mount): Mount {
  const options = mount.options ?? [];
  return options.includes('userxattr') ? mount : { ...mount, options: [...options, 'userxattr'] };
}

/** Of the kernel's file systems a user namespace mounts those of the namespaces that belong to it. */
const kernels: Readonly<Record<string, { readonly of: NamespaceType; readonly source: string }>> = {
  proc: { of: 'pid', source: '/proc' },
  sysfs: { of: 'network', source: '/sys' },
  mqueue: { of: 'ipc', source: '/dev/mqueue' },
};

/** What is shown where the kernel gives no new one: something lies over parts of what we see ourselves. */
export const standIns: Readonly<Record<string, string>> = { proc: '/proc', sysfs: '/sys' };

/** Where what may have to be shown instead is; undefined of all other mounts. */
export function standInOf({ type }: Mount, linux: Linux): string | undefined {
  const kernel = Object.hasOwn(standIns, type ?? '') ? kernels[type ?? ''] : undefined;
  return kernel !== undefined && isNew(linux, kernel.of) ? kernel.source : undefined;
}

function asOurs(mount: Mount, linux: Linux, hierarchies: Hierarchies): Mount {
  const type = mount.type ?? '';
  if (type === 'devpts') return terminals(mount, linux);
  if (type === 'overlay') return overlay(mount);
  if (type === 'cgroup' || type === 'cgroup2')
    return hierarchies.v2 === undefined ? bound(mount, '/sys/fs/cgroup') : mount;
  const kernel = Object.hasOwn(kernels, type) ? kernels[type] : undefined;
  return kernel === undefined || isNew(linux, kernel.of) ? mount : bound(mount, kernel.source);
}

const typeOf = { c: 0o020000, u: 0o020000, b: 0o060000 } as const;

/** The host's node of that name must be what is asked for. */
function problemOf(device: NonNullable<Linux['devices']>[number]): string | undefined {
  const { path, type, major = 0, minor = 0 } = device;
  if (type === 'p') return;
  const facts = statSync(path, { throwIfNoEntry: false });
  // makedev(3), as far as numbers of 12 and 20 bits go.
  const number = BigInt((minor & 0xff) | (major << 8)) | (BigInt(minor >> 8) << 20n);
  const isSame = facts !== undefined && (facts.mode & 0o170000) === typeOf[type];
  if (isSame && BigInt(facts.rdev) === number) return;
  return `the host has no such device at ${path}, and only root makes nodes: it cannot be bound`;
}

function deviceBinds(config: Config): Mount[] {
  const problems: Problem[] = [];
  const asked = (config.linux?.devices ?? []).filter((device, index) => {
    const message = problemOf(device);
    if (message !== undefined) problems.push({ path: `linux.devices[${index}]`, message });
    return device.type !== 'p';
  });
  if (problems.length > 0) throw new ConfigError('config.json', problems);
  const standard = makesDevices(config) ? standardDevices : [];
  const paths = new Set([...standard, ...asked].map(({ path }) => path));
  return [...paths].map((path) => ({
    destination: path,
    type: 'bind',
    source: path,
    options: ['bind', 'nosuid', 'noexec'],
  }));
}

/** @throws ConfigError naming devices that the host does not have */
export function withoutRights(config: Config, hierarchies: Hierarchies): Config {
  const linux = config.linux ?? {};
  const mounts = (config.mounts ?? []).map((mount) => asOurs(mount, linux, hierarchies));
  const taken = new Set(mounts.map(targetOf));
  const devices = deviceBinds(config).filter((mount) => !taken.has(targetOf(mount)));
  return {
    ...config,
    mounts: [...mounts, ...devices],
    linux: { ...linux, devices: (linux.devices ?? []).filter(({ type }) => type === 'p') },
  };
}
