/** Reads answers that must be small; an endless one is cut off. */

import type { Readable } from 'node:stream';

/**
 * The whole body. @throws RangeError when it is longer than `maxBytes`, and the stream's own error when it breaks off
 */
export async function readWhole(body: Readable, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length;
    // Leaving the loop destroys the stream and with it the connection.
    if (size > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const START_BYTES = 64 * 1024;

/** The first 64 KiB as text; whatever else there is, is cut off. Never throws. */
export async function readStart(body: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      pieces.push(piece);
      size += piece.length;
      if (size > START_BYTES) break;
    }
  } catch {
    // What came until then is all there is.
  }
  return Buffer.concat(pieces).toString('utf8', 0, START_BYTES);
}
