/** Undoes gzip and zstd, told apart by their first bytes: media types of the wild are not to be relied upon. */

import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ImageError } from './images.ts';

/** Large enough for few trips to the worker threads, small enough to hash on the event loop (0.15 ms). */
export const PIECE_BYTES = 256 * 1024;

type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

const MAGIC: readonly (readonly [Compression, string])[] = [
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
];

/** What the first bytes of a file (six are enough) say. zstd's skippable frames (`5x2a4d18`) also begin a zstd file. */
export function compressionOf(start: Buffer): Compression {
  const hex = start.subarray(0, 6).toString('hex');
  if (/^5.2a4d18/.test(hex)) return 'zstd';
  return MAGIC.find(([, magic]) => hex.startsWith(magic))?.[0] ?? 'none';
}

function decompressor(compression: Compression, what: string): Transform | undefined {
  switch (compression) {
    case 'none':
      return undefined;
    case 'gzip':
      return createGunzip({ chunkSize: PIECE_BYTES });
    case 'zstd':
      return createZstdDecompress({ chunkSize: PIECE_BYTES });
    default:
      throw new ImageError(
        'InvalidArchive',
        `read ${what}: it is compressed with ${compression}; only gzip and zstd are supported, compress it anew`,
      );
  }
}

/**
 * The bytes beneath the compression, if there is one. `what` names the source in errors.
 * Iterating rejects with ImageError `InvalidArchive` when the compressed data are damaged or cut short.
 */
export async function* decompressed(
  source: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<Buffer> {
  const pieces = source[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  try {
    while (byteLength(head) < 6) {
      const next = await pieces.next();
      if (next.done) break;
      head.push(next.value);
    }
    const rest = { [Symbol.asyncIterator]: () => pieces };
    const transform = decompressor(compressionOf(Buffer.concat(head)), what);
    if (transform === undefined) {
      yield* head;
      yield* rest;
    } else {
      yield* throughTransform(head, rest, transform, what);
    }
  } finally {
    await pieces.return?.(); // also when it was not read to its end
  }
}

async function* throughTransform(
  head: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
  transform: Transform,
  what: string,
): AsyncGenerator<Buffer> {
  let sourceFailure: unknown;
  async function* whole(): AsyncGenerator<Buffer> {
    try {
      yield* head;
      yield* rest;
    } catch (error) {
      sourceFailure = error;
      throw error;
    }
  }
  const input = Readable.from(whole(), { objectMode: false, highWaterMark: 1 << 20 });
  input.on('error', (error) => transform.destroy(error));
  try {
    yield* input.pipe(transform);
  } catch (cause) {
    if (sourceFailure !== undefined) throw sourceFailure;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(
      'InvalidArchive',
      `decompress ${what}: ${why}; it is damaged or truncated, make or fetch it anew`,
      { cause },
    );
  } finally {
    input.destroy();
    transform.destroy();
  }
}

function byteLength(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
