/**
 * Bytes compressed by themselves, so that they can be a part of any compressed answer: raw deflate that ends on a byte's
 * boundary and refers to nothing before it (`Z_FULL_FLUSH`, RFC 1951 and zlib's manual).
 */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

export interface Packed {
  readonly deflated: Buffer;
  /** Of the bytes before they were compressed. */
  readonly crc: number;
  readonly length: number;
}

const deflate = promisify(deflateRaw);

const options = {
  level: constants.Z_BEST_SPEED,
  finishFlush: constants.Z_FULL_FLUSH,
  chunkSize: 64 * 1024,
};

/** Compresses off the event loop. The bytes must not change meanwhile. */
export async function pack(bytes: Buffer): Promise<Packed> {
  return { deflated: await deflate(bytes, options), crc: crc32(bytes), length: bytes.length };
}

/** Objects' JSON, each followed by a comma: a part of a list, compressed when somebody first asks, once. */
export class ListPart {
  readonly bytes: Buffer;
  #packed: Promise<Packed> | undefined;

  /** `bytes` must not change any more. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Without the last comma, which the end of a list does not have. */
  get open(): Buffer {
    return this.bytes.subarray(0, this.bytes.length - 1);
  }

  /** `open`, compressed off the event loop. */
  packed(): Promise<Packed> {
    this.#packed ??= pack(this.open);
    return this.#packed;
  }
}

/** Each stream that compresses holds a quarter of a megabyte: so many at a time, as libuv has threads. */
const atOnce = 4;

/** All of them, compressed, in order. */
export async function packAll(parts: readonly ListPart[]): Promise<readonly Packed[]> {
  const packed: Packed[] = [];
  for (let at = 0; at < parts.length; at += atOnce) {
    const some = parts.slice(at, at + atOnce).map((part) => part.packed());
    packed.push(...(await Promise.all(some)));
  }
  return packed;
}
