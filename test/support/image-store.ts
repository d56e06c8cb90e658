/** A store of images to try things on. */
import { closeSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openMerged } from '#native/layers.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images, LocalImage } from '#node-agent/image/images.ts';
import type { LayerChoice } from '#node-agent/image/layer-forms.ts';
import { dockerArchive, layer, pieces } from './image-archives.ts';
import { type TarEntry, tar } from './tar-builder.ts';

export interface Store {
  readonly images: Images;
  readonly dataDir: string;
}

/** `layers`: of the form that the environment says, else that the kernel can. */
export async function storeIn(dataDir: string, layers?: LayerChoice): Promise<Store> {
  const form = layers === undefined ? {} : { layers };
  return { images: await openImages({ dataDir, ...form }), dataDir };
}

/** Loads an archive made of these files. */
export function loadEntries(
  images: Images,
  entries: readonly TarEntry[],
): Promise<readonly LocalImage[]> {
  return images.load(pieces(tar(entries)));
}

/** Loads an image of two layers: one all have in common, one with `content`. */
export async function loadTagged(
  images: Images,
  tags: readonly string[],
  content = tags.join(),
): Promise<LocalImage> {
  const layers = [layer('shared', 's'), layer('own', content)];
  const [loaded] = await loadEntries(images, dockerArchive([{ layers, tags }]));
  if (loaded === undefined) throw new Error('nothing was loaded');
  return loaded;
}

/** A path of a layer's root directory, of either form, which holds while this test file runs; other processes know it, too. */
export function rootOf(layer: string): string {
  const root = openMerged([layer]);
  t.teardown(() => closeSync(root));
  return `/proc/${process.pid}/fd/${root}`;
}

/** What is in a layer's root directory, of either form. */
export function namesIn(layer: string): string[] {
  const root = openMerged([layer]);
  try {
    return readdirSync(`/proc/self/fd/${root}`);
  } finally {
    closeSync(root);
  }
}

/** Names in a folder of the store. */
export function folder(dataDir: string, name: string): string[] {
  return readdirSync(join(dataDir, 'images', name)).sort();
}

/** All content of the store, finished or not. */
export function kept(dataDir: string): string[] {
  return ['blobs/sha256', 'layers', 'incoming'].flatMap((name) => folder(dataDir, name));
}
