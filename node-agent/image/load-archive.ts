/** `docker load`: what an archive holds becomes images, all of them or none. */

import { rm } from 'node:fs/promises';
import { readArchive } from './archive-files.ts';
import { type ArchiveImage, readImages } from './archive-images.ts';
import type { Content } from './content.ts';
import { imageConfig } from './image-config.ts';
import type { StoredImage } from './image-table.ts';
import type { LocalImage } from './images.ts';
import { inLanes, UNPACKED_AT_ONCE } from './lanes.ts';
import type { Shelf } from './registry/shelf.ts';

/** @throws ImageError `InvalidArchive`: nothing of it is kept then */
export async function loadArchive(
  shelf: Shelf,
  archive: AsyncIterable<Buffer>,
): Promise<readonly LocalImage[]> {
  const { content } = shelf;
  const scratch = await content.scratch('load');
  try {
    const images = await readImages(await readArchive(archive, scratch));
    return await keepArchive(shelf, images);
  } finally {
    await rm(scratch, { recursive: true, force: true });
    content.durability.secureSoon();
  }
}

async function keepArchive(
  shelf: Shelf,
  images: readonly ArchiveImage[],
): Promise<readonly LocalImage[]> {
  const { content } = shelf;
  const release = await shelf.hold(images.flatMap(digestsOf));
  let isKept = false;
  try {
    await content.durability.begin();
    const stored: StoredImage[] = [];
    for (const image of images) {
      stored.push(await keepContent(content, [...shelf.images(), ...stored], image));
    }
    const kept = await shelf.keepAll(stored);
    isKept = true;
    return kept;
  } finally {
    release();
    if (!isKept) await shelf.collect();
  }
}

const digestsOf = ({ digest, id, layers }: ArchiveImage) => [
  digest,
  id,
  ...layers.flatMap((layer) => [layer.digest, layer.chainId]),
];

/** Blobs are kept and layers unpacked; the image itself is not yet visible. `images`: those there are. */
async function keepContent(
  content: Content,
  images: readonly StoredImage[],
  image: ArchiveImage,
): Promise<StoredImage> {
  await content.blobs.put(image.manifest, image.digest);
  await content.blobs.adopt(image.configFile.path, image.id);
  const layers = await inLanes(image.layers, UNPACKED_AT_ONCE, async (layer) => {
    const { file, digest, diffId, chainId } = layer;
    await content.blobs.adopt(file.path, digest);
    const source = { chainId, diffId, file: file.path };
    return { digest, diffId, chainId, sizeBytes: await content.unpacked(images, source) };
  });
  const { created } = image.config;
  return {
    digest: image.digest,
    id: image.id,
    tags: image.tags,
    layers,
    ...(created ? { createdAt: created } : {}),
    config: imageConfig(image.config),
    ...(image.isManifestOurs === true ? { isManifestOurs: true } : {}),
  };
}
