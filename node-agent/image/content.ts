/**
 * The content of the node's images below one directory: `blobs/` (as they came), `layers/` (unpacked), `downloads/` (blobs on
 * their way from a registry, kept over crashes), `incoming/` (scratch, which goes with whose it is). What no image refers to
 * and nobody holds, in this process or another, is removed.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStore } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { Durability } from './durability.ts';
import type { StoredImage } from './image-table.ts';
import { inLanes, UNPACKED_AT_ONCE } from './lanes.ts';
import { type LayerChoice, LayerForms } from './layer-forms.ts';
import { type LayerSource, LayerStore } from './layer-store.ts';
import { removeLeftovers, Session } from './session.ts';

/** A download nobody went on with for this long is given up. */
const DOWNLOAD_KEPT_MS = 24 * 3600 * 1000;

export class Content {
  readonly session: Session;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly durability: Durability;
  readonly downloads: string;
  readonly #incoming: string;
  readonly #held = new Map<Digest, number>();

  /** `root` exists. */
  constructor(root: string, layers: LayerChoice | undefined) {
    this.session = new Session(root);
    this.#incoming = join(root, 'incoming');
    this.downloads = join(root, 'downloads');
    this.blobs = new BlobStore(join(root, 'blobs'), (name) => this.#scratchPath(name));
    this.layers = new LayerStore(join(root, 'layers'), this.session, new LayerForms(layers));
    this.durability = new Durability(root, this.session);
  }

  /** Makes what is missing and removes what interrupted runs left half done. Call under the session's lock. */
  async open(): Promise<void> {
    await this.session.begin();
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await mkdir(this.downloads, { recursive: true, mode: 0o700 });
    await Promise.all([
      removeLeftovers(this.session, this.#incoming, ''),
      this.blobs.open(),
      this.layers.open(),
      this.#removeOldDownloads(),
    ]);
  }

  /** A new directory for something half done: it goes, at the latest, some time after this process. */
  scratch(name: string): Promise<string> {
    return mkdtemp(join(this.#incoming, `${this.session.id}-${name}-`));
  }

  #scratchPath(name: string): string {
    const random = randomBytes(6).toString('hex');
    return join(this.#incoming, `${this.session.id}-${name}-${random}`);
  }

  async #removeOldDownloads(): Promise<void> {
    for (const name of await readdir(this.downloads)) {
      const path = join(this.downloads, name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs <= DOWNLOAD_KEPT_MS) continue;
      await rm(path, { force: true });
    }
  }

  /** Keeps blobs and unpacked layers (by chain ID) from `collect`, of any process, until the returned function is called. */
  async hold(digests: readonly Digest[]): Promise<() => void> {
    const once = new Set(digests);
    for (const digest of once) this.#held.set(digest, this.#holders(digest) + 1);
    const letGo = () => {
      for (const digest of once) {
        const left = this.#holders(digest) - 1;
        if (left > 0) this.#held.set(digest, left);
        else this.#held.delete(digest);
      }
    };
    try {
      const release = await this.session.lease([...once]);
      return () => {
        letGo();
        release();
      };
    } catch (error) {
      letGo();
      throw error;
    }
  }

  #holders(digest: Digest): number {
    return this.#held.get(digest) ?? 0;
  }

  /** All that is held now, here or by another process. */
  async held(): Promise<ReadonlySet<Digest>> {
    return new Set([...this.#held.keys(), ...(await this.session.leasedByOthers())]);
  }

  /** The sum of the layer's files; unpacks it unless it stands. `images`: those whose sizes are known. */
  async unpacked(images: readonly StoredImage[], source: LayerSource): Promise<number> {
    const known = images.flatMap(({ layers }) => layers);
    const there = known.find(({ chainId }) => chainId === source.chainId);
    if (there !== undefined && (await this.layers.has(source.chainId))) return there.sizeBytes;
    return this.layers.unpack(source);
  }

  /** Where an image's layers stand; those that do not are unpacked anew. */
  async paths(layers: StoredImage['layers']): Promise<readonly string[]> {
    await inLanes(layers, UNPACKED_AT_ONCE, async ({ chainId, diffId, digest }) => {
      if (await this.layers.has(chainId)) return;
      await this.durability.begin();
      this.durability.secureSoon();
      await this.layers.unpack({ chainId, diffId, file: this.blobs.path(digest) });
    });
    return layers.map(({ chainId }) => this.layers.path(chainId));
  }

  /** Takes away what is not of these images; `layers.sweep` ends it. Call under the session's lock. */
  async collect(images: readonly StoredImage[]): Promise<void> {
    const layers = images.flatMap((image) => image.layers);
    const held = await this.held();
    const chains = new Set([...layers.map(({ chainId }) => chainId), ...held]);
    await this.layers.removeAllBut(chains, { doKeepUsed: true });
    const blobs = images.flatMap(({ digest, id }) => [digest, id]);
    const digests = layers.map(({ digest }) => digest);
    await this.blobs.removeAllBut(new Set([...blobs, ...digests, ...held]));
  }

  /** The end of this process's part. */
  close(): void {
    this.durability.close();
    this.session.end();
  }
}
