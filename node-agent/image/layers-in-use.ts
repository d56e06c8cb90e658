/**
 * Which unpacked layers some container stands on right now, read from the kernel: each process's mount table names the
 * lower directories of its overlays. Whoever mounted them, and whatever was restarted since, this is true.
 */

import { readdir, readFile, readlink } from 'node:fs/promises';
import { type Digest, digestOfHex } from './digest.ts';

/**
 * The chain IDs of the layers that are mounted in any mount namespace. Those of other stores on the machine are among them:
 * a layer kept too long does no harm.
 */
export async function layersInUse(): Promise<readonly Digest[]> {
  const hexes = new Set<string>();
  const seen = new Set<string>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const table = await mountTable(pid, seen);
    for (const [, hex = ''] of table.matchAll(/\/layers\/([a-f0-9]{64}(?:[a-f0-9]{64})?)\b/g))
      hexes.add(hex);
  }
  return [...hexes].map(digestOfHex);
}

/** Of the first process of each mount namespace; empty for the others, and for a process that has just ended. */
async function mountTable(pid: string, seen: Set<string>): Promise<string> {
  try {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`);
    if (seen.has(namespace)) return '';
    const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8');
    seen.add(namespace);
    return table;
  } catch {
    return '';
  }
}
