/** Gives the content of an archive's image its place in the store. */

import type { ArchiveImage } from './archive-images.ts';
import type { Content } from './content.ts';
import { imageConfig } from './image-config.ts';
import type { StoredImage, StoredLayer } from './image-table.ts';

/**
 * Blobs are kept and layers unpacked; the image itself is not yet visible. `images`: those there are.
 * @throws ImageError `InvalidArchive`
 */
export async function keepArchiveImage(
  content: Content,
  images: readonly StoredImage[],
  image: ArchiveImage,
): Promise<StoredImage> {
  await content.blobs.put(image.manifest);
  await content.blobs.adopt(image.configFile.path, image.id);
  const layers: StoredLayer[] = [];
  for (const { file, digest, diffId, chainId } of image.layers) {
    await content.blobs.adopt(file.path, digest);
    const source = { chainId, diffId, file: file.path };
    layers.push({ digest, diffId, chainId, sizeBytes: await content.unpacked(images, source) });
  }
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
