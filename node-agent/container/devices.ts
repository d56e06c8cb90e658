/** The device nodes of containers: the standard ones, the host's that were asked for, or all of them. */

import { lstat, readdir, stat } from 'node:fs/promises';
import type { WireDevice } from '#native/protocol.ts';
import type { ContainerSpec } from './runtime.ts';
import type { DeviceRequest } from './settings.ts';
import { standardDevices } from './standard-mounts.ts';

/** A container has its own of these. */
const own = new Set(['pts', 'shm', 'mqueue', 'console', 'ptmx', 'core', 'fd', 'hugepages']);

const typeBits = { character: 0o020000, block: 0o060000 };

/** glibc's gnu_dev_major and gnu_dev_minor. */
const majorOf = (device: number): number => Math.floor(device / 256) & 0xfff;
const minorOf = (device: number): number => (device & 0xff) | (Math.floor(device / 4096) & 0xfff00);

async function devicesIn(directory: string, prefix: string): Promise<WireDevice[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<WireDevice[]> => {
      const path = `${directory}/${entry.name}`;
      const name = prefix + entry.name;
      if (prefix === '' && own.has(entry.name)) return [];
      if (entry.isDirectory()) return devicesIn(path, `${name}/`);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
      const { mode, rdev } = await lstat(path);
      const type = entry.isBlockDevice() ? typeBits.block : typeBits.character;
      const bits = type | (mode & 0o777);
      return [{ path, mode: bits, major: majorOf(rdev), minor: minorOf(rdev), uid: 0, gid: 0 }];
    }),
  );
  return found.flat();
}

/** What a container has in /dev, and the further rules of its device cgroup, as cgroup v1 writes them. */
export interface ContainerDevices {
  readonly nodes: readonly WireDevice[];
  readonly rules: readonly string[];
}

async function requested(request: DeviceRequest): Promise<{ node: WireDevice; rule: string }> {
  const { hostPath, path, permissions } = request;
  if (!/^r?w?m?$/.test(permissions) || permissions === '') {
    throw new Error(
      `device ${hostPath}: permissions ${JSON.stringify(permissions)} are not of r, w, m`,
    );
  }
  const found = await stat(hostPath);
  if (!found.isCharacterDevice() && !found.isBlockDevice()) {
    throw new Error(`device ${hostPath}: it is no device`);
  }
  const type = found.isBlockDevice() ? typeBits.block : typeBits.character;
  const [major, minor] = [majorOf(found.rdev), minorOf(found.rdev)];
  const { uid, gid, mode } = found;
  return {
    node: { path, mode: type | (mode & 0o777), major, minor, uid, gid },
    rule: `${found.isBlockDevice() ? 'b' : 'c'} ${major}:${minor} ${permissions}`,
  };
}

/** A privileged container's are the host's, but for what each container has of its own. */
export async function containerDevices(spec: ContainerSpec): Promise<ContainerDevices> {
  if (spec.privileged) return { nodes: await devicesIn('/dev', ''), rules: [] };
  if (spec.devices === undefined) return { nodes: standardDevices, rules: [] };
  const wanted = await Promise.all(spec.devices.map(requested));
  return {
    nodes: [...standardDevices, ...wanted.map(({ node }) => node)],
    rules: wanted.map(({ rule }) => rule),
  };
}
