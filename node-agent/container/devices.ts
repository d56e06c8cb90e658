/** The host's device nodes, for privileged containers. */

import { lstat, readdir } from 'node:fs/promises';
import type { WireDevice } from '#native/protocol.ts';

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

/** Everything in the host's /dev but what each container has of its own. */
export const hostDevices = (): Promise<readonly WireDevice[]> => devicesIn('/dev', '');
