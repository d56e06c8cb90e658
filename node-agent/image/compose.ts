/**
 * Makes an image here: of another one, a layer on top and a changed configuration. The same parts give the same bytes, and so
 * the same digest, on every node: no time and no name of this machine goes in.
 */
import { rm, stat } from 'node:fs/promises';
import { chainIds, type Digest, digestOf } from './digest.ts';
import { imageConfig } from './image-config.ts';
import type { StoredImage, StoredLayer } from './image-table.ts';
import { ImageError, type LocalImage } from './images.ts';
import { findImage, newTag } from './lookup.ts';
import * as oci from './oci.ts';
import { thisPlatform } from './platform.ts';
import type { Shelf } from './registry/shelf.ts';

export interface ComposeFrom {
  /** A reference or digest; absent: an image of one layer alone. */
  readonly base?: string;
  readonly tags: readonly string[];
}

export interface Composition {
  /** A tar in `scratch`; absent: nothing is on top. */
  readonly layer?: {
    readonly file: string;
    readonly digest: string;
    readonly tarDigest: string;
    readonly sizeBytes: number;
    /** Of its files, of a tar that was written here: it is unpacked when somebody wants to stand on it, and not before. */
    readonly contentBytes?: number;
    readonly compression?: 'gzip' | 'zstd';
  };
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  readonly createdBy: string;
  /** RFC 3339; absent: when the base was made. */
  readonly created?: string;
  /** The new configuration of containers, in Docker's field names, from the base's. */
  readonly config: (base: Record<string, unknown>) => Record<string, unknown>;
}

export interface Workplace {
  /** A directory of one's own; goes with the work. */
  readonly scratch: string;
  /** Of the base; 1970 for an image that does not say. */
  readonly createdAt: string;
}

const dawn = '1970-01-01T00:00:00Z';

interface Base {
  readonly stored?: StoredImage;
  readonly config: Record<string, unknown>;
  readonly layers: readonly oci.Descriptor[];
}

/** @throws ImageError `NotFound`, `InvalidReference`, and what `make` throws; nothing is kept then */
export async function composeImage(
  shelf: Shelf,
  from: ComposeFrom,
  make: (place: Workplace) => Promise<Composition>,
): Promise<LocalImage> {
  const tags = from.tags.map(newTag);
  const base = await baseOf(shelf, from.base);
  const { content } = shelf;
  const kept = base.stored?.layers.flatMap(({ digest, chainId }) => [digest, chainId]) ?? [];
  const releases = [await shelf.hold(kept)];
  const scratch = await content.scratch('make');
  try {
    const createdAt = typeof base.config['created'] === 'string' ? base.config['created'] : dawn;
    const made = await make({ scratch, createdAt });
    const parts = assembled(base, made, createdAt);
    releases.push(await shelf.hold([...parts.held]));
    await content.durability.begin();
    const layer = await keepLayer(shelf, base, made, parts.chainId);
    await content.blobs.put(parts.config);
    await content.blobs.put(parts.manifest);
    const layers = [...(base.stored?.layers ?? []), ...(layer === undefined ? [] : [layer])];
    return await shelf.keep({
      digest: digestOf(parts.manifest),
      id: digestOf(parts.config),
      tags,
      layers,
      createdAt: made.created ?? createdAt,
      config: imageConfig(oci.decodeJson(oci.Config, parts.config, 'the new configuration')),
    });
  } finally {
    for (const release of releases) release();
    await rm(scratch, { recursive: true, force: true });
    content.durability.secureSoon();
  }
}

async function baseOf({ content, images }: Shelf, reference: string | undefined): Promise<Base> {
  if (reference === undefined) {
    return { config: { ...thisPlatform(), rootfs: { type: 'layers', diff_ids: [] } }, layers: [] };
  }
  const stored = findImage(images(), reference)?.image;
  if (stored === undefined) {
    const why = 'it is not on this node any more; pull or load it again';
    throw new ImageError('NotFound', `find the image '${reference}': ${why}`);
  }
  const [config, manifest] = await Promise.all([
    content.blobs.read(stored.id),
    content.blobs.read(stored.digest),
  ]);
  const { layers } = oci.decodeJson(oci.Manifest, manifest, `manifest ${stored.digest}`);
  return { stored, config: JSON.parse(config.toString('utf8')), layers };
}

interface Parts {
  readonly config: Buffer;
  readonly manifest: Buffer;
  readonly chainId: Digest;
  readonly held: readonly Digest[];
}

/** Docker's names of layers become the OCI's. */
const ociLayer = ({ mediaType = '', digest, size }: oci.Descriptor): oci.Descriptor => {
  const suffix = /[.+](gzip|zstd)$/.exec(mediaType)?.[1];
  const own = mediaType.startsWith('application/vnd.oci.') ? mediaType : undefined;
  const type = `${oci.MEDIA_TYPES.layer}${suffix === undefined ? '' : `+${suffix}`}`;
  return { mediaType: own ?? type, digest, size };
};

function assembled(base: Base, made: Composition, createdAt: string): Parts {
  const { layer } = made;
  const created = made.created ?? createdAt;
  const rootfs = base.config['rootfs'] as { diff_ids?: Digest[] | null };
  const diffIds = [...(rootfs.diff_ids ?? []), ...(layer === undefined ? [] : [layer.tarDigest])];
  const step = {
    created,
    created_by: made.createdBy,
    ...(made.author === undefined ? {} : { author: made.author }),
    ...(made.comment === undefined || made.comment === '' ? {} : { comment: made.comment }),
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const history = Array.isArray(base.config['history']) ? base.config['history'] : [];
  const config = bytesOf({
    ...base.config,
    created,
    ...(made.author === undefined ? {} : { author: made.author }),
    config: made.config((base.config['config'] ?? {}) as Record<string, unknown>),
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [...history, step],
  });
  const suffix = layer?.compression === undefined ? '' : `+${layer.compression}`;
  const mediaType = `${oci.MEDIA_TYPES.layer}${suffix}`;
  const top =
    layer === undefined ? [] : [{ mediaType, digest: layer.digest, size: layer.sizeBytes }];
  const manifest = bytesOf({
    schemaVersion: 2,
    mediaType: oci.MEDIA_TYPES.manifest,
    config: {
      mediaType: oci.MEDIA_TYPES.config,
      digest: digestOf(config),
      size: config.byteLength,
    },
    layers: [...base.layers.map(ociLayer), ...top],
  });
  const chainId = chainIds(diffIds as Digest[]).at(-1) ?? digestOf('');
  const own = layer === undefined ? [] : [layer.digest as Digest];
  return {
    config,
    manifest,
    chainId,
    held: [digestOf(config), digestOf(manifest), chainId, ...own],
  };
}

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

async function keepLayer(
  { content, images }: Shelf,
  _base: Base,
  { layer }: Composition,
  chainId: Digest,
): Promise<StoredLayer | undefined> {
  if (layer === undefined) return undefined;
  const digest = layer.digest as Digest;
  const diffId = layer.tarDigest as Digest;
  await content.blobs.adopt(layer.file, digest);
  const found = await stat(layer.file);
  if (found.size !== layer.sizeBytes) throw new Error(`${layer.file} has changed meanwhile`);
  if (layer.contentBytes !== undefined) {
    return { digest, diffId, chainId, sizeBytes: layer.contentBytes };
  }
  const source = { chainId, diffId, file: layer.file };
  return { digest, diffId, chainId, sizeBytes: await content.unpacked(images(), source) };
}
