/**
 * Unpacked layers: `<directory>/<hex of the chain ID>/`, ready to be an overlay's lower directory. A layer is unpacked beside
 * its place and renamed when it is complete and its digest is right, so that a directory with a name is always whole.
 */

import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackLayerFile } from '#native/unpack.ts';
import { printable } from './archive-error.ts';
import { type Digest, hexOf } from './digest.ts';
import { ImageError } from './images.ts';

/** Limits against archives that unpack without end. */
const LIMITS = { maxBytes: 64 * 2 ** 30, maxEntries: 4_000_000 };
const TEMPORARY = 'unpacking-';
const REMOVED = 'removed-';

export interface LayerSource {
  readonly chainId: Digest;
  /** The digest the uncompressed tar must have. */
  readonly diffId: Digest;
  /** A file with the layer's tar, compressed or not. */
  readonly file: string;
}

export class LayerStore {
  readonly #directory: string;
  readonly #unpacking = new Map<Digest, Promise<number>>();

  /** `directory` is made by `open`. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Removes what an interrupted run left half done. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(TEMPORARY) || name.startsWith(REMOVED)) await this.#delete(name);
    }
  }

  path(chainId: Digest): string {
    return join(this.#directory, hexOf(chainId));
  }

  async has(chainId: Digest): Promise<boolean> {
    return access(this.path(chainId)).then(
      () => true,
      () => false,
    );
  }

  /**
   * Unpacks a layer that is not there yet; resolves with the sum of its files' sizes.
   * @throws ImageError `InvalidArchive`: nothing of the layer is kept
   */
  unpack(source: LayerSource): Promise<number> {
    const running = this.#unpacking.get(source.chainId);
    if (running !== undefined) return running;
    const unpacking = this.#unpack(source).finally(() => this.#unpacking.delete(source.chainId));
    this.#unpacking.set(source.chainId, unpacking);
    return unpacking;
  }

  async #unpack({ chainId, diffId, file }: LayerSource): Promise<number> {
    const temporary = await mkdtemp(join(this.#directory, TEMPORARY));
    try {
      await chmod(temporary, 0o755); // the root directory of the container, unless the layer says otherwise
      const unpacked = await unpackLayerFile(file, temporary, { ...LIMITS, tarDigests: 'sha256' });
      const found = unpacked.tarDigest;
      if (found !== diffId) {
        throw new ImageError(
          'InvalidArchive',
          `unpack layer ${diffId}: its content is ${found}; the archive is damaged, make or fetch it anew`,
        );
      }
      await rename(temporary, this.path(chainId));
      return unpacked.bytes;
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw unpackError(diffId, error);
    }
  }

  /** Removes every layer not in `keep`, being unpacked, or (asked for only when there is something to remove) in `alsoKeep`. */
  async removeAllBut(
    keep: ReadonlySet<Digest>,
    alsoKeep: () => Promise<readonly Digest[]> = async () => [],
  ): Promise<void> {
    const names = await readdir(this.#directory);
    const unwanted = names.filter(
      (name) => !name.startsWith(TEMPORARY) && !keep.has(`sha256:${name}`),
    );
    if (unwanted.length === 0) return;
    const used = new Set(await alsoKeep());
    for (const name of unwanted.filter((name) => !used.has(`sha256:${name}`))) {
      // Renamed first: what has a layer's name is always whole.
      const removed = name.startsWith(REMOVED) ? name : `${REMOVED}${name}`;
      if (removed !== name)
        await rename(join(this.#directory, name), join(this.#directory, removed));
      await this.#delete(removed);
    }
  }

  #delete(name: string): Promise<void> {
    return rm(join(this.#directory, name), { recursive: true, force: true });
  }
}

function unpackError(diffId: Digest, error: unknown): unknown {
  if (!(error instanceof Error) || !('entry' in error)) return error;
  const entry = String(error.entry);
  const where = entry === '' ? '' : ` entry '${printable(entry)}':`;
  const isSystem = 'syscall' in error;
  const advice = isSystem ? '' : '; the archive cannot be used, make it anew';
  const message = `unpack layer ${diffId}:${where} ${error.message}${advice}`;
  if (!isSystem) return new ImageError('InvalidArchive', message);
  return new Error(message, { cause: error });
}
