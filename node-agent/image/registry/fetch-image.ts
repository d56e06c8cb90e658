/**
 * The content of an image that was found: configuration and layers side by side, each layer unpacked when it is there. Only
 * `keep` at the very end makes anything of it visible.
 */

import { chainIds, type Digest } from '../digest.ts';
import { imageConfig } from '../image-config.ts';
import { ImageError, type LocalImage } from '../images.ts';
import { inLanes, UNPACKED_AT_ONCE } from '../lanes.ts';
import type * as oci from '../oci.ts';
import type { BlobFetch } from './blob-fetch.ts';
import type { FoundManifest } from './manifest.ts';
import type { Names, Shelf } from './shelf.ts';

const MAX_CONFIG_BYTES = 8 * 2 ** 20;
const MAX_LAYERS = 1000;

/**
 * `names`: the tags and repository digests the image gets.
 * @throws RegistryProblem, ImageError, and what the pull is cancelled with
 */
export async function fetchImage(
  shelf: Shelf,
  found: FoundManifest,
  names: Names,
  blobs: BlobFetch,
): Promise<LocalImage> {
  const { content } = shelf;
  const { manifest, digest } = found;
  checkSizes(manifest);
  const release = await shelf.hold([
    digest,
    manifest.config.digest,
    ...manifest.layers.map((layer) => layer.digest),
  ]);
  let releaseLayers = () => {};
  try {
    const fetching = blobs.layers(manifest.layers);
    fetching.catch(() => undefined); // awaited below, unless the configuration fails first
    const config = await blobs.config(manifest.config);
    const diffIds = config.rootfs.diff_ids ?? [];
    mustMatch(manifest, diffIds, digest);
    const chain = chainIds(diffIds);
    releaseLayers = await shelf.hold(chain);
    const layers = await inLanes(manifest.layers, UNPACKED_AT_ONCE, async (layer, i) => {
      const ids = { diffId: diffIds[i] as Digest, chainId: chain[i] as Digest };
      const sizeBytes = await blobs.unpacked(layer, ids);
      return { digest: layer.digest, ...ids, sizeBytes };
    });
    await fetching;
    await content.durability.begin();
    await content.blobs.put(found.bytes, digest);
    await blobs.shelve([manifest.config, ...manifest.layers]);
    const { created } = config;
    return await shelf.keep({
      digest,
      id: manifest.config.digest,
      ...names,
      layers,
      ...(created ? { createdAt: created } : {}),
      config: imageConfig(config),
    });
  } finally {
    await blobs.stop();
    release();
    releaseLayers();
    await blobs.tidy([manifest.config, ...manifest.layers]);
    content.durability.secureSoon();
  }
}

function checkSizes({ config, layers }: oci.Manifest): void {
  const sizes = [config, ...layers].map(({ size }) => size);
  if (
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    config.size <= MAX_CONFIG_BYTES &&
    layers.length <= MAX_LAYERS
  )
    return;
  throw new ImageError(
    'Registry',
    `its manifest cannot be right: ${layers.length} layers, sizes ${sizes.slice(0, 20).join(', ')}`,
  );
}

function mustMatch({ layers }: oci.Manifest, diffIds: readonly Digest[], digest: Digest): void {
  if (layers.length === diffIds.length) return;
  const message = `image ${digest} has ${layers.length} layers, but its configuration names ${diffIds.length}`;
  throw new ImageError('Registry', message);
}
