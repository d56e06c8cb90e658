/** Changes made through a real overlay, in a mount namespace that ends with them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { unpackLayer } from '#native/unpack.ts';
import { pieces } from './image-archives.ts';
import { type TarEntry, tar } from './tar-builder.ts';

export interface Overlay {
  /** The topmost first. */
  readonly lowers: readonly string[];
  readonly upper: string;
}

/** Unpacks entries into a new directory below `parent`. */
export async function layerOf(
  parent: string,
  name: string,
  entries: readonly TarEntry[],
): Promise<string> {
  const directory = join(parent, name);
  mkdirSync(directory);
  const limits = { maxBytes: 1 << 30, maxEntries: 100_000 };
  await unpackLayer(directory, pieces(tar(entries)), limits);
  return directory;
}

/**
 * Runs a shell script with the layers merged at its working directory, and gives what it left in the upper one.
 * Absent when this machine cannot mount an overlay here.
 */
export function changedBy(
  script: string,
  lowers: readonly string[],
  parent: string,
): Overlay | undefined {
  const directories = ['upper', 'work', 'merged'].map((name) => join(parent, name));
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  const [upper = '', work, merged] = directories;
  const options = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work}`;
  const mount = `mount -t overlay overlay -o ${options} ${merged} || exit 77; cd ${merged}; set -e`;
  const ran = spawnSync('unshare', ['-m', 'sh', '-c', `${mount}; ${script}`], { encoding: 'utf8' });
  if (ran.status === 77) return undefined;
  if (ran.status !== 0) throw new Error(`the script failed: ${ran.stderr}`);
  return { lowers, upper };
}
