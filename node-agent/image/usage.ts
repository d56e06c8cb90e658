/** What images take and what could go. Pure: works on the table's content. */
import type { StoredImage } from './image-table.ts';

export interface ImageUsage {
  readonly total: number;
  /** Images that something uses. */
  readonly active: number;
  /** Of the unpacked layers, each counted once however many images share it. */
  readonly sizeBytes: number;
  /** Of layers that no used image stands on. */
  readonly reclaimableBytes: number;
}

/** `used`: digests of manifests. */
export function imageUsage(images: readonly StoredImage[], used: ReadonlySet<string>): ImageUsage {
  const active = images.filter(({ digest }) => used.has(digest));
  const sizeBytes = layersBytes(images);
  return {
    total: images.length,
    active: active.length,
    sizeBytes,
    reclaimableBytes: sizeBytes - layersBytes(active),
  };
}

function layersBytes(images: readonly StoredImage[]): number {
  const sizes = new Map(
    images.flatMap(({ layers }) => layers.map(({ chainId, sizeBytes }) => [chainId, sizeBytes])),
  );
  return [...sizes.values()].reduce((sum: number, bytes) => sum + Number(bytes), 0);
}

export interface PruneOptions {
  /** Also images that have a name; else only those without. */
  readonly all: boolean;
  /** Milliseconds since the epoch: only images that were created before. */
  readonly createdBefore?: number;
  /** Digests of what is used. */
  readonly used: ReadonlySet<string>;
}

/** Whether the image goes when somebody asks for it. */
export function isPrunable(
  image: StoredImage,
  { all, createdBefore, used }: PruneOptions,
): boolean {
  if (used.has(image.digest) || (!all && image.tags.length > 0)) return false;
  if (createdBefore === undefined) return true;
  return Date.parse(image.createdAt ?? '') < createdBefore;
}
