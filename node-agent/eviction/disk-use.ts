/** What a directory takes on its disk. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

export const nothing: DiskUse = { bytes: 0, inodes: 0 };

export const added = (a: DiskUse, b: DiskUse): DiskUse => ({
  bytes: a.bytes + b.bytes,
  inodes: a.inodes + b.inodes,
});

/** Files looked at at once: a directory may hold a million. */
const batch = 64;
const blockBytes = 512;

/**
 * The blocks and inodes of a tree, as `du -x` counts them: a file with several names once, nothing of other mounts, links
 * not followed. What is not there, or goes meanwhile, counts nothing.
 */
export async function diskUse(dir: string): Promise<DiskUse> {
  const top = await look(dir);
  if (top === undefined) return nothing;
  let bytes = top.blocks * blockBytes;
  let inodes = 1;
  const linked = new Set<number>();
  const pending = [dir];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const names = await readdir(next).catch(() => []);
    for (let from = 0; from < names.length; from += batch) {
      const paths = names.slice(from, from + batch).map((name) => join(next, name));
      const found = await Promise.all(paths.map(look));
      for (const [index, stats] of found.entries()) {
        if (stats === undefined || stats.dev !== top.dev || linked.has(stats.ino)) continue;
        if (stats.isDirectory()) pending.push(paths[index] ?? '');
        else if (stats.nlink > 1) linked.add(stats.ino);
        bytes += stats.blocks * blockBytes;
        inodes += 1;
      }
    }
  }
  return { bytes, inodes };
}

const look = (path: string): Promise<Stats | undefined> => lstat(path).catch(() => undefined);
