/**
 * The content of the node's images below one directory: `blobs/` (as they came), `layers/` (unpacked), `downloads/` (blobs on
 * their way from a registry, kept over crashes), `incoming/` (scratch, emptied at each start). What no image refers to and
 * nobody holds is removed.
 */

import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStore } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { Durability } from './durability.ts';
import type { StoredImage } from './image-table.ts';
import { type LayerSource, LayerStore } from './layer-store.ts';
import { layersInUse } from './layers-in-use.ts';

/** A download nobody went on with for this long is given up. */
const DOWNLOAD_KEPT_MS = 24 * 3600 * 1000;

export class Content {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly durability: Durability;
  readonly incoming: string;
  readonly downloads: string;
  readonly #held = new Map<Digest, number>();

  constructor(root: string) {
    this.incoming = join(root, 'incoming');
    this.downloads = join(root, 'downloads');
    this.blobs = new BlobStore(join(root, 'blobs'));
    this.layers = new LayerStore(join(root, 'layers'));
    this.durability = new Durability(root);
  }

  /** Makes what is missing and removes what an interrupted run left half done. */
  async open(): Promise<void> {
    await rm(this.incoming, { recursive: true, force: true });
    await mkdir(this.incoming, { mode: 0o700 });
    await mkdir(this.downloads, { recursive: true, mode: 0o700 });
    await Promise.all([this.blobs.open(), this.layers.open(), this.#removeOldDownloads()]);
  }

  async #removeOldDownloads(): Promise<void> {
    for (const name of await readdir(this.downloads)) {
      const path = join(this.downloads, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > DOWNLOAD_KEPT_MS) await rm(path, { force: true });
    }
  }

  /** Keeps blobs and unpacked layers (by chain ID) from `collect` until the returned function is called. */
  hold(digests: readonly Digest[]): () => void {
    const once = new Set(digests);
    for (const digest of once) this.#held.set(digest, this.holders(digest) + 1);
    return () => {
      for (const digest of once) {
        const left = this.holders(digest) - 1;
        if (left > 0) this.#held.set(digest, left);
        else this.#held.delete(digest);
      }
    };
  }

  /** How many hold it now. */
  holders(digest: Digest): number {
    return this.#held.get(digest) ?? 0;
  }

  /** The sum of the layer's files; unpacks it unless it stands. `images`: those whose sizes are known. */
  async unpacked(images: readonly StoredImage[], source: LayerSource): Promise<number> {
    const known = images.flatMap(({ layers }) => layers);
    const there = known.find(({ chainId }) => chainId === source.chainId);
    if (there !== undefined && (await this.layers.has(source.chainId))) return there.sizeBytes;
    return this.layers.unpack(source);
  }

  /** Removes what is not of these images. */
  async collect(images: readonly StoredImage[]): Promise<void> {
    const layers = images.flatMap((image) => image.layers);
    const held = [...this.#held.keys()];
    const chains = new Set([...layers.map(({ chainId }) => chainId), ...held]);
    await this.layers.removeAllBut(chains, layersInUse);
    const blobs = images.flatMap(({ digest, id }) => [digest, id]);
    const digests = layers.map(({ digest }) => digest);
    await this.blobs.removeAllBut(new Set([...blobs, ...digests, ...held]));
  }
}
