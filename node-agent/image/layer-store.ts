/**
 * Unpacked layers: `<directory>/<hex of the chain ID>`, each a directory or a file with an EROFS image, ready to be an
 * overlay's lower one. A layer is unpacked beside its place and gets its name when it is complete and its digest is right, so
 * that what has a name is always whole. Both forms stand side by side.
 */

import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { spreadChildren } from '#native/files.ts';
import { forgetLayer, isLayerFileOpen, openLayers } from '#native/layer-mounts.ts';
import { type LayerForm, unpackLayerFile } from '#native/unpack.ts';
import { printable } from './archive-error.ts';
import { algorithmOf, type Digest, digestOfHex, hexOf } from './digest.ts';
import { ImageError } from './images.ts';
import { isTooLarge, isUnmountable, type LayerForms } from './layer-forms.ts';
import { layersInUse } from './layers-in-use.ts';
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
  readonly #forms: LayerForms;
  readonly #unpacking = new Map<Digest, Promise<number>>();
  #sweeping: Promise<void> = Promise.resolve();

  /** `directory` is made by `open`. */
  constructor(directory: string, session: Session, forms: LayerForms) {
    this.#directory = directory;
    this.#session = session;
    this.#forms = forms;
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

  /**
   * Whether it is there to stand on. An image that cannot be mounted (damaged, or the kernel is another one since) is taken
   * away: what is missing is unpacked anew.
   */
  async has(chainId: Digest): Promise<boolean> {
    const path = this.path(chainId);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.isDirectory()) return found !== undefined;
    try {
      (await openLayers([path])).close();
      return true;
    } catch (error) {
      if (!isUnmountable(error)) throw error;
    }
    await this.#takeAway(hexOf(chainId)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error; // somebody else has found it, too
    });
    await this.sweep();
    return false;
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

  async #unpack(source: LayerSource): Promise<number> {
    const form = await this.#forms.choose(this.#temporary('form'));
    try {
      return await this.#unpackAs(form, source);
    } catch (error) {
      if (form === 'directory' || !isTooLarge(error)) throw unpackError(source.diffId, error);
    }
    return this.#unpackAs('directory', source).catch((error: unknown) => {
      throw unpackError(source.diffId, error);
    });
  }

  /** What is half done goes, at the latest, some time after this process. */
  #temporary(name: string): string {
    return join(this.#directory, `${TEMPORARY}${this.#session.id}-${name}`);
  }

  async #unpackAs(form: LayerForm, { chainId, diffId, file }: LayerSource): Promise<number> {
    const temporary = this.#temporary(randomName());
    try {
      // Of the container's root, unless the layer says otherwise.
      if (form === 'directory') await makeDirectory(temporary, 0o755);
      const tarDigests = algorithmOf(diffId);
      const unpacked = await unpackLayerFile(file, temporary, { ...LIMITS, tarDigests, form });
      const found = unpacked.tarDigest;
      if (found !== diffId) {
        throw new ImageError(
          'InvalidArchive',
          `unpack layer ${diffId}: its content is ${found}; the archive is damaged, make or fetch it anew`,
        );
      }
      await this.#place(temporary, chainId, form);
      return unpacked.bytes;
    } finally {
      await removeWhole(temporary);
    }
  }

  /** Whoever has the name already is whole: a container stood on it when its image went, or another process unpacked it. */
  async #place(temporary: string, chainId: Digest, form: LayerForm): Promise<void> {
    try {
      // By renaming, a file would take the name of another; the link that is left goes with what is half done.
      await (form === 'erofs' ? link : rename)(temporary, this.path(chainId));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) throw error;
    }
  }

  /**
   * Takes every layer its name that is not in `keep` or being unpacked, nor, with `doKeepUsed`, under a container or read by
   * somebody; `sweep` then removes them.
   */
  async removeAllBut(keep: ReadonlySet<Digest>, { doKeepUsed = false } = {}): Promise<void> {
    const names = await readdir(this.#directory);
    const unwanted = names.filter(
      (name) =>
        !name.startsWith(TEMPORARY) && !name.startsWith(REMOVED) && !keep.has(digestOfHex(name)),
    );
    if (unwanted.length === 0) return;
    const used = new Set(doKeepUsed ? await layersInUse() : []);
    for (const name of unwanted) {
      const path = join(this.#directory, name);
      forgetLayer(path);
      if (used.has(digestOfHex(name)) || (doKeepUsed && isLayerFileOpen(path))) continue;
      await this.#takeAway(name);
    }
  }

  /** What has a layer's name is always whole. */
  async #takeAway(name: string): Promise<void> {
    const removed = `${REMOVED}${randomName()}-${name}`;
    await rename(join(this.#directory, name), join(this.#directory, removed));
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

const randomName = (): string => randomBytes(6).toString('hex');

async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path);
  await chmod(path, mode); // whatever this process masks
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
