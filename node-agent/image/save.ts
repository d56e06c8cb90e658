/**
 * `docker save`: images as one tar, an OCI layout and a docker-archive at once, as Docker >= 25 writes it. Names stand in both
 * forms. The same images give the same bytes.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { algorithmOf, type Digest } from './digest.ts';
import type { StoredImage } from './image-table.ts';
import { ImageError } from './images.ts';
import { findImage } from './lookup.ts';
import * as oci from './oci.ts';
import type { Shelf } from './registry/shelf.ts';

interface Chosen {
  readonly image: StoredImage;
  readonly tags: string[];
}

/** A name saves its image under that name; an ID or digest without one. @throws ImageError `NotFound` */
function choose(shelf: Shelf, references: readonly string[]): readonly Chosen[] {
  const chosen: Chosen[] = [];
  for (const reference of references) {
    const found = findImage(shelf.images(), reference);
    if (found === undefined) {
      throw new ImageError('NotFound', `save '${reference}': no such image on this node`);
    }
    const known = chosen.find(({ image }) => image === found.image);
    const entry = known ?? { image: found.image, tags: [] };
    if (known === undefined) chosen.push(entry);
    if (found.tag !== undefined && !entry.tags.includes(found.tag)) entry.tags.push(found.tag);
  }
  return chosen;
}

/** The archive; its content is held until the stream ends. @throws ImageError `NotFound` before anything is sent */
export async function saveImages(shelf: Shelf, references: readonly string[]): Promise<Readable> {
  const chosen = choose(shelf, references);
  const blobs = chosen.flatMap(({ image }) => [
    image.digest,
    image.id,
    ...image.layers.map(({ digest }) => digest),
  ]);
  const unique = [...new Set(blobs)].sort();
  const release = await shelf.hold(unique);
  const tar = pack();
  tar.once('close', release);
  write(shelf, tar, chosen, unique).catch((error: Error) => tar.destroy(error));
  return tar as unknown as Readable;
}

const mtime = new Date(0);

async function write(
  { content }: Shelf,
  tar: Pack,
  chosen: readonly Chosen[],
  blobs: readonly Digest[],
): Promise<void> {
  const algorithms = new Set(blobs.map(algorithmOf));
  await directory(tar, 'blobs/');
  for (const algorithm of algorithms) await directory(tar, `blobs/${algorithm}/`);
  for (const digest of blobs) {
    const path = content.blobs.path(digest);
    const { size } = await stat(path);
    const entry = tar.entry({ name: oci.blobName(digest), size, mode: 0o644, mtime });
    await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), entry);
  }
  const manifests = [];
  for (const { image, tags } of chosen)
    manifests.push(...(await descriptors(content, image, tags)));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests,
  };
  await json(tar, 'index.json', index);
  await json(tar, 'manifest.json', chosen.map(dockerManifest));
  await json(tar, 'oci-layout', { imageLayoutVersion: '1.0.0' });
  tar.finalize();
}

async function descriptors(
  content: Shelf['content'],
  { digest }: StoredImage,
  tags: readonly string[],
) {
  const bytes = await content.blobs.read(digest);
  const { mediaType = oci.MEDIA_TYPES.manifest } = JSON.parse(bytes.toString('utf8')) as {
    mediaType?: string;
  };
  const descriptor = { mediaType, digest, size: bytes.byteLength };
  if (tags.length === 0) return [descriptor];
  return tags.map((tag) => ({
    ...descriptor,
    annotations: {
      'io.containerd.image.name': tag,
      'org.opencontainers.image.ref.name': tag.slice(tag.lastIndexOf(':') + 1),
    },
  }));
}

/** Docker shows its own registry's names without it. */
export const familiar = (tag: string): string => tag.replace(/^docker\.io\/(library\/)?/, '');

const dockerManifest = ({ image, tags }: Chosen) => ({
  Config: oci.blobName(image.id),
  RepoTags: tags.map(familiar),
  Layers: image.layers.map(({ digest }) => oci.blobName(digest)),
});

const directory = (tar: Pack, name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    tar.entry({ name, type: 'directory', mode: 0o755, mtime }, done);
  });

function json(tar: Pack, name: string, value: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    tar.entry({ name, mode: 0o644, mtime }, JSON.stringify(value), done);
  });
}
