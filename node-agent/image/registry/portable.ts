/**
 * What of a local image is sent to a registry. Content that came with a manifest is sent byte by byte as it came. An image
 * loaded from an archive without one (docker save) has plain tar layers: those are compressed, always to the same bytes.
 */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PIECE_BYTES } from '../decompress.ts';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import type { StoredImage } from '../image-table.ts';
import * as oci from '../oci.ts';
import type { Shelf } from './shelf.ts';
import type { BlobFile } from './upload.ts';

export interface Portable {
  readonly manifest: Buffer;
  readonly mediaType: string;
  readonly digest: Digest;
  /** Layers and configuration. */
  readonly blobs: readonly BlobFile[];
  /** Removes what was made for the way. */
  dispose(): Promise<void>;
}

/** zlib's usual one: higher levels cost much and save little. With it, header and content depend on the layer alone. */
const LEVEL = 6;

/** @throws ImageError `InvalidArchive` when the store's manifest is damaged */
export async function portable(shelf: Shelf, image: StoredImage): Promise<Portable> {
  const { blobs } = shelf.content;
  const bytes = await blobs.read(image.digest);
  const manifest = oci.decodeJson(oci.Manifest, bytes, `manifest ${image.digest}`);
  const isPlain = manifest.layers.some(({ mediaType }) => mediaType === oci.MEDIA_TYPES.layer);
  if (image.isManifestOurs === true && isPlain) return compressed(shelf, manifest);
  const own = [manifest.config, ...manifest.layers.filter((layer) => !isForeign(layer))];
  return {
    manifest: bytes,
    mediaType: manifest.mediaType ?? oci.MEDIA_TYPES.manifest,
    digest: image.digest,
    blobs: own.map(({ digest, size }) => ({ digest, size, path: blobs.path(digest) })),
    dispose: async () => undefined,
  };
}

/** Its licence forbids to give it on; registries take the manifest without it. */
function isForeign({ mediaType = '', urls }: oci.Descriptor): boolean {
  return /foreign\.diff|nondistributable/.test(mediaType) && (urls ?? []).length > 0;
}

async function compressed(shelf: Shelf, manifest: oci.Manifest): Promise<Portable> {
  const { blobs } = shelf.content;
  const scratch = await shelf.content.scratch('push');
  const dispose = () => rm(scratch, { recursive: true, force: true });
  try {
    const files: BlobFile[] = [];
    const layers = [];
    for (const { mediaType, digest, size } of manifest.layers) {
      const isPlain = mediaType === oci.MEDIA_TYPES.layer;
      const file = isPlain
        ? await gzipped(blobs.path(digest), join(scratch, hexOf(digest)))
        : { digest, size, path: blobs.path(digest) };
      files.push(file);
      const type = isPlain ? `${oci.MEDIA_TYPES.layer}+gzip` : mediaType;
      layers.push({ mediaType: type, digest: file.digest, size: file.size });
    }
    const { digest, size } = manifest.config;
    const made = {
      schemaVersion: 2,
      mediaType: oci.MEDIA_TYPES.manifest,
      config: { mediaType: oci.MEDIA_TYPES.config, digest, size },
      layers,
    };
    const bytes = Buffer.from(JSON.stringify(made));
    return {
      manifest: bytes,
      mediaType: made.mediaType,
      digest: digestOf(bytes),
      blobs: [{ digest, size, path: blobs.path(digest) }, ...files],
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function gzipped(from: string, to: string): Promise<BlobFile> {
  const hash = createHash('sha256');
  const hashing = new PassThrough({ highWaterMark: PIECE_BYTES });
  hashing.on('data', (piece: Buffer) => hash.update(piece));
  await pipeline(
    createReadStream(from, { highWaterMark: PIECE_BYTES }),
    createGzip({ level: LEVEL, chunkSize: PIECE_BYTES }),
    hashing,
    createWriteStream(to, { mode: 0o600 }),
  );
  const { size } = await stat(to);
  return { digest: `sha256:${hash.digest('hex')}`, size, path: to };
}
