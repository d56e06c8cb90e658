/**
 * SPDY/3.1 frames, as far as Kubernetes' streams use them.
 *
 *     control   1 | version 3 (15 bits) | type (16) | flags (8) | length (24) | payload
 *     data      0 | stream (31 bits)                | flags (8) | length (24) | bytes
 *
 * Source: the SPDY protocol draft 3.1, section 2.2.
 */

export const type = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** The sender has nothing more on the stream. */
export const flagFin = 1;

export interface Frame {
  /** `undefined`: data. */
  readonly control: number | undefined;
  /** Of data. */
  readonly stream: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** The client broke the protocol: the connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

const headLength = 8;
/** kubectl's data frames are 32 KiB, and headers far smaller. */
const payloadMax = 1024 * 1024;
const version = 3;

/** Cuts a connection's bytes into frames. Throws `ProtocolError`. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#rest.length < length) return;
      const bytes = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      yield frameOf(bytes);
    }
  }

  #length(): number | undefined {
    if (this.#rest.length < headLength) return undefined;
    const payload = this.#rest.readUIntBE(5, 3);
    if (payload > payloadMax) throw new ProtocolError(`a frame of ${payload} bytes`);
    return headLength + payload;
  }
}

function frameOf(bytes: Buffer): Frame {
  const word = bytes.readUInt32BE(0);
  const flags = bytes.readUInt8(4);
  const payload = bytes.subarray(headLength);
  if (word < 0x8000_0000) return { control: undefined, stream: word, flags, payload };
  const spoken = (word >>> 16) & 0x7fff;
  if (spoken !== version) throw new ProtocolError(`SPDY version ${spoken}`);
  return { control: word & 0xffff, stream: 0, flags, payload };
}

function head(first: number, flags: number, length: number): Buffer {
  const bytes = Buffer.alloc(headLength);
  bytes.writeUInt32BE(first >>> 0);
  bytes.writeUInt8(flags, 4);
  bytes.writeUIntBE(length, 5, 3);
  return bytes;
}

export function controlFrame(kind: number, payload: Buffer, flags = 0): Buffer {
  return Buffer.concat([
    head(0x8000_0000 + version * 0x1_0000 + kind, flags, payload.length),
    payload,
  ]);
}

export function dataFrame(stream: number, bytes: Buffer, flags = 0): Buffer {
  return Buffer.concat([head(stream, flags, bytes.length), bytes]);
}

/** Numbers of 32 bits one after the other: the payload of most control frames. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * i);
  return bytes;
}
