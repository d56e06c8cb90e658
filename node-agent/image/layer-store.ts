/**
 * Unpacked layers: `<directory>/<hex of the chain ID>/`, ready to be an overlay's lower directory. A layer is unpacked beside
 * its place and renamed when it is complete and its digest is right, so that a directory with a name is always whole.
 */

import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { spreadChildren } from '#native/files.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import { printable } from './archive-error.ts';
import { algorithmOf, type Digest, digestOfHex, hexOf } from './digest.ts';
import { ImageError } from './images.ts';
import { removeLeftovers, removeWhole, type Session } from './session.ts';

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
  readonly #session: Session;
  readonly #unpacking = new Map<Digest, Promise<number>>();
  #sweeping: Promise<void> = Promise.resolve();

  /** `directory` is made by `open`. */
  constructor(directory: string, session: Session) {
    this.#directory = directory;
    this.#session = session;
  }

  /** Removes what interrupted runs left half done. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // For minutes ext4 gives out no inode that was freed just now, and looks for each new one among them: a layer that is
    // unpacked where another was removed takes ten times as long.
    spreadChildren(this.#directory);
    await removeLeftovers(this.#session, this.#directory, TEMPORARY);
    await this.sweep();
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
    const prefix = `${TEMPORARY}${this.#session.id}-`;
    const temporary = await mkdtemp(join(this.#directory, prefix));
    try {
      await chmod(temporary, 0o755); // the root directory of the container, unless the layer says otherwise
      const tarDigests = algorithmOf(diffId);
      const unpacked = await unpackLayerFile(file, temporary, { ...LIMITS, tarDigests });
      const found = unpacked.tarDigest;
      if (found !== diffId) {
        throw new ImageError(
          'InvalidArchive',
          `unpack layer ${diffId}: its content is ${found}; the archive is damaged, make or fetch it anew`,
        );
      }
      await this.#place(temporary, chainId);
      return unpacked.bytes;
    } catch (error) {
      await removeWhole(temporary);
      throw unpackError(diffId, error);
    }
  }

  /** Whoever has the name already is whole: a container stood on it when its image went, or another process unpacked it. */
  async #place(temporary: string, chainId: Digest): Promise<void> {
    try {
      await rename(temporary, this.path(chainId));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      await removeWhole(temporary);
    }
  }

  /**
   * Takes every layer its name that is not in `keep`, being unpacked, or (asked for only when there is something to remove)
   * in `alsoKeep`; `sweep` then removes them.
   */
  async removeAllBut(
    keep: ReadonlySet<Digest>,
    alsoKeep: () => Promise<readonly Digest[]> = async () => [],
  ): Promise<void> {
    const names = await readdir(this.#directory);
    const unwanted = names.filter(
      (name) =>
        !name.startsWith(TEMPORARY) && !name.startsWith(REMOVED) && !keep.has(digestOfHex(name)),
    );
    if (unwanted.length === 0) return;
    const used = new Set(await alsoKeep());
    for (const name of unwanted.filter((name) => !used.has(digestOfHex(name)))) {
      // What has a layer's name is always whole.
      const removed = `${REMOVED}${randomBytes(4).toString('hex')}-${name}`;
      await rename(join(this.#directory, name), join(this.#directory, removed));
    }
  }

  /** Removes what has no name any more: it may take long and needs no lock. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweep());
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!name.startsWith(REMOVED)) continue;
      // Another process may be at it, too.
      await this.#delete(name).catch(() => undefined);
    }
  }

  #delete(name: string): Promise<void> {
    return removeWhole(join(this.#directory, name));
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
