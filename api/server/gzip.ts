/**
 * One gzip member stitched from parts that were compressed before (several members, one after another, are right by RFC
 * 1952, but not every client reads on after the first).
 *
 *     header | stored: head | part | stored: , | part | … | stored, last: end | crc32 | length
 */
import { crc32 } from 'node:zlib';
import type { Packed } from '../storage/packed.ts';
import { combineCrc } from './crc-combine.ts';

/** Deflate, no flags, no time, fastest, unknown system. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
const storedBytesMax = 0xffff;

/** Bytes as they are, as a block of a deflate stream that is at a byte's boundary (RFC 1951, 3.2.4). */
function stored(bytes: Buffer, isLast: boolean): Packed {
  if (bytes.length > storedBytesMax) throw new RangeError(`${bytes.length} bytes do not fit`);
  const head = Buffer.alloc(5);
  head[0] = isLast ? 1 : 0;
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return { deflated: Buffer.concat([head, bytes]), crc: crc32(bytes), length: bytes.length };
}

const comma = stored(Buffer.from(','), false);

/** `head`, the parts with commas between them, `end`, as one gzip member. */
export function stitch(head: Buffer, parts: readonly Packed[], end: Buffer): Buffer[] {
  const separated = parts.flatMap((part, at) => (at === 0 ? [part] : [comma, part]));
  const all = [stored(head, false), ...separated, stored(end, true)];
  let crc = 0;
  let length = 0;
  for (const part of all) {
    crc = combineCrc(crc, part.crc, part.length);
    length += part.length;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length >>> 0, 4);
  return [header, ...all.map(({ deflated }) => deflated), trailer];
}
