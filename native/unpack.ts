/**
 * Unpacks archives: layers into empty directories, and anything else into trees that are in use. Nothing outside the directory
 * can be touched, whatever the archive holds and whatever a container does meanwhile.
 *
 * All reject with an error that has `entry`, the entry's name: a `NativeError` when a call failed, else what is wrong with
 * the archive. What was made until then stays.
 */

import type { IdRange } from './layers.ts';
import { loadAddon } from './load.ts';

declare const unpackerBrand: unique symbol;
interface Unpacker {
  readonly [unpackerBrand]: true;
}

/** Bounds against archives that unpack without end. */
export interface UnpackLimits {
  /** Content of all files together. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export interface Unpacked {
  /** Sum of the files' contents. */
  readonly bytes: number;
  readonly entries: number;
}

export interface FileUnpacked extends Unpacked {
  /** Sizes and digests of the file, and of the tar beneath its compression; `fileDigest` is `''` unless asked for. */
  readonly fileBytes: number;
  readonly fileDigest: string;
  readonly tarBytes: number;
  readonly tarDigest: string;
}

export interface ExtractOptions extends UnpackLimits {
  /** The root directory of a container, or a descriptor of it: links are followed as inside it. */
  readonly root: string | number;
  /** The existing directory in it where entries go. */
  readonly path: string;
  /** A directory gives way to nothing but a directory, and nothing else to a directory (Docker's `noOverwriteDirNonDir`). */
  readonly keepKinds?: boolean;
  /** One owner for every entry; else the archive's, moved by `uids` and `gids` when there are any. */
  readonly uid?: number;
  readonly gid?: number;
  readonly uids?: readonly IdRange[];
  readonly gids?: readonly IdRange[];
}

interface Face {
  unpackOpen(options: ExtractOptions & { readonly layer: boolean }): Unpacker;
  unpackWrite(unpacker: Unpacker, bytes: Uint8Array): Promise<void>;
  unpackFinish(unpacker: Unpacker): Promise<Unpacked>;
  unpackClose(unpacker: Unpacker): void;
  unpackFile(
    options: UnpackLimits & {
      readonly file: string;
      readonly root: string;
      readonly image: boolean;
      readonly tarDigests: string;
      readonly fileDigests?: string;
    },
  ): Promise<FileUnpacked>;
}

async function feed(
  options: ExtractOptions & { readonly layer: boolean },
  tar: AsyncIterable<Uint8Array>,
): Promise<Unpacked> {
  const native = loadAddon<Face>();
  const unpacker = native.unpackOpen(options);
  let written: Promise<void> = Promise.resolve();
  try {
    for await (const piece of tar) {
      await written;
      written = native.unpackWrite(unpacker, piece);
      written.catch(() => {}); // seen at the next await, which may come after the next piece
    }
    await written;
    return await native.unpackFinish(unpacker);
  } finally {
    await written.catch(() => {}); // nothing may be under way when it is closed
    native.unpackClose(unpacker);
  }
}

/**
 * Applies an uncompressed layer tar, given in pieces, to the empty directory `directory`: owners, modes, times, links, sparse
 * files, devices, extended attributes; whiteouts as overlayfs reads them. Each piece is worked on by a worker thread.
 */
export function unpackLayer(
  directory: string,
  tar: AsyncIterable<Uint8Array>,
  limits: UnpackLimits,
): Promise<Unpacked> {
  return feed({ ...limits, root: directory, path: '', layer: true }, tar);
}

/**
 * `unpackLayer` of a file, plain or compressed with gzip or zstd, by two threads of its own; the digests come from the same
 * pass. An image of more than a million entries fails with EFBIG. `tarDigests`: the algorithm for the tar's; `fileDigests`: for the file's, which is not computed without it.
 */
export function unpackLayerFile(
  file: string,
  target: string,
  {
    form = 'directory',
    ...options
  }: UnpackLimits & {
    readonly form?: LayerForm;
    readonly tarDigests: 'sha256' | 'sha512';
    readonly fileDigests?: 'sha256' | 'sha512';
  },
): Promise<FileUnpacked> {
  return loadAddon<Face>().unpackFile({ ...options, file, root: target, image: form === 'erofs' });
}

/** A directory that is there and empty; or a new file with an EROFS image, which the caller removes when making it fails. */
export type LayerForm = 'directory' | 'erofs';

/**
 * Extracts an uncompressed tar, given in pieces, below a directory of a container's tree, as `docker cp` does: what stands in
 * the way is replaced, a directory is merged into a directory, links on the way are followed inside the root.
 */
export function extractInto(
  options: ExtractOptions,
  tar: AsyncIterable<Uint8Array>,
): Promise<Unpacked> {
  return feed({ ...options, layer: false }, tar);
}
