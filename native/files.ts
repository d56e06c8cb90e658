/**
 * File work Node lacks: unpacking a layer, extended attributes, syncfs. Failed system calls throw `NativeError`.
 */

import { loadAddon } from './load.ts';

declare const unpackerBrand: unique symbol;
interface Unpacker {
  readonly [unpackerBrand]: true;
}

interface Face {
  unpackOpen(directory: string, maxBytes: number, maxEntries: number): Unpacker;
  unpackWrite(unpacker: Unpacker, bytes: Uint8Array): Promise<void>;
  unpackFinish(unpacker: Unpacker): Promise<{ bytes: number; entries: number }>;
  unpackClose(unpacker: Unpacker): void;
  getXattr(path: string, name: string): Buffer | undefined;
  syncFs(path: string): Promise<void>;
}

/**
 * Applies an uncompressed layer tar, given in pieces, to the empty directory `directory`: owners, modes, times, links,
 * devices, extended attributes; whiteouts as overlayfs reads them. The work is done on a worker thread, a piece at a time.
 * Nothing outside `directory` can be touched, whatever the tar holds.
 *
 * Resolves with the sum of the files' sizes and the number of entries.
 * Rejects with an error that has `entry` (the entry's name): a `NativeError` when a call failed, else what is wrong with the
 * archive. What was made until then stays: the caller removes `directory`.
 */
export async function unpackLayer(
  directory: string,
  tar: AsyncIterable<Uint8Array>,
  limits: { readonly maxBytes: number; readonly maxEntries: number },
): Promise<{ readonly bytes: number; readonly entries: number }> {
  const native = loadAddon<Face>();
  const unpacker = native.unpackOpen(directory, limits.maxBytes, limits.maxEntries);
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

/** An extended attribute of `path` (of a link itself, up to 4 KiB); absent when it has none of that name. */
export function getXattr(path: string, name: string): Buffer | undefined {
  return loadAddon<Face>().getXattr(path, name);
}

/** Writes everything of the file system that holds `path` to its disk. */
export function syncFs(path: string): Promise<void> {
  return loadAddon<Face>().syncFs(path);
}
