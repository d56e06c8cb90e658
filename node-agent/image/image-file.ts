/**
 * Reads a file as a container of the image would see it, through the layers' whiteouts and links, without mounting anything
 * and without ever leaving the layers: links are resolved here, by name, from the image's root.
 */

import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { getXattr } from '#native/files.ts';
import { openLayers } from '#native/layer-mounts.ts';
import { ImageError } from './images.ts';

const MAX_LINKS = 40; // as Linux has it

/** What the overlay shows at a path: the directories of the layers that make it up, topmost first, or one other file. */
type Node =
  | { readonly kind: 'directory'; readonly paths: readonly string[] }
  | { readonly kind: 'link'; readonly path: string }
  | { readonly kind: 'other'; readonly path: string; readonly stats: Stats };

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

function isOpaque(directory: string): boolean {
  return getXattr(directory, 'trusted.overlay.opaque')?.toString() === 'y';
}

/** `name` in a merged directory. */
async function lookUp(directories: readonly string[], name: string): Promise<Node | undefined> {
  const paths: string[] = [];
  for (const directory of directories) {
    const path = join(directory, name);
    const stats = await statOf(path);
    if (stats === undefined) continue;
    if (!stats.isDirectory()) {
      if (paths.length > 0 || isWhiteout(stats)) break;
      return stats.isSymbolicLink() ? { kind: 'link', path } : { kind: 'other', path, stats };
    }
    paths.push(path);
    if (isOpaque(path)) break;
  }
  return paths.length > 0 ? { kind: 'directory', paths } : undefined;
}

async function resolve(layers: readonly string[], path: string): Promise<Node | undefined> {
  const root: Node = { kind: 'directory', paths: layers.toReversed() };
  const way: Extract<Node, { kind: 'directory' }>[] = [root];
  const parts = path.split('/');
  let links = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const node = await lookUp((way.at(-1) ?? root).paths, part);
    if (node === undefined) return undefined;
    if (node.kind === 'other') return parts.some((rest) => rest !== '') ? undefined : node;
    if (node.kind === 'directory') {
      way.push(node);
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    const target = await readlink(node.path);
    if (target.startsWith('/')) way.length = 1;
    parts.unshift(...target.split('/'));
  }
  return way.at(-1);
}

/**
 * The content of the regular file at `path` (absolute); absent when there is none.
 * `layers`: lowest first. @throws ImageError `InvalidArchive` when it is larger than `maxBytes`
 */
export async function readImageFile(
  layers: readonly string[],
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const opened = await openLayers(layers);
  try {
    return await readIn(opened.paths, path, maxBytes);
  } finally {
    opened.close();
  }
}

async function readIn(
  layers: readonly string[],
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const node = await resolve(layers, path);
  if (node?.kind !== 'other' || !node.stats.isFile()) return undefined;
  if (node.stats.size > maxBytes) {
    throw new ImageError(
      'InvalidArchive',
      `read ${path} of the image: it has ${node.stats.size} bytes, more than the ${maxBytes} allowed`,
    );
  }
  const file = await open(node.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
