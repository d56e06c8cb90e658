/**
 * The capabilities of programs (`setcap`), which are an extended attribute: the one that docker's `cp` carries from and to files of this
 * machine. tar-stream knows PAX records as text alone, and these are bytes.
 */
import { Transform, type TransformCallback } from 'node:stream';
import { getXattr, setXattr } from '#native/files.ts';

const attribute = 'security.capability';
/** How tar programs write it down (star(1), `SCHILY.xattr`). */
const key = Buffer.from(`SCHILY.xattr.${attribute}=`);

/** Of a file; undefined: it has none. */
export const capabilityOf = (path: string): Buffer | undefined => getXattr(path, attribute);

/** Resolves with why a file could not be given it: not everybody may, and not every file system keeps it. */
export function setCapability(path: string, value: Buffer): string | undefined {
  try {
    setXattr(path, attribute, value);
    return undefined;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === 'EPERM' || code === 'EOPNOTSUPP' || code === 'ENOTSUP') return message;
    throw error;
  }
}

/** Its own length, a blank, the record, a line's end. */
function recordOf(value: Buffer): Buffer {
  const rest = key.length + value.length + 2;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return Buffer.concat([Buffer.from(`${length} `), key, value, Buffer.from('\n')]);
}

const blockSize = 512;
const padded = (size: number): number => Math.ceil(size / blockSize) * blockSize;

/** A PAX header that says it of the entry after it (pax(1), ustar). */
export function capabilityHeader(value: Buffer): Buffer {
  const record = recordOf(value);
  const whole = Buffer.alloc(blockSize + padded(record.length));
  const octal = (number: number) => number.toString(8).padStart(11, '0');
  whole.write('PaxHeader', 0);
  whole.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  whole.write(`${octal(record.length)}\0${octal(0)}\0        x`, 124, 'latin1');
  whole.write('ustar\x0000', 257, 'latin1');
  const sum = whole.reduce((total, byte) => total + byte, 0);
  whole.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  record.copy(whole, blockSize);
  return whole;
}

/** What a PAX header says of the entry after it, as far as it matters here. */
function readRecords(bytes: Buffer): { capability?: Buffer; size?: number } {
  const found: { capability?: Buffer; size?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('latin1', at, blank));
    if (blank < 0 || !(length > 0)) break;
    const record = bytes.subarray(blank + 1, at + length - 1);
    if (record.indexOf(key) === 0) found.capability = record.subarray(key.length);
    else if (record.indexOf('size=') === 0) found.size = Number(record.toString('latin1', 5));
    at += length;
  }
  return found;
}

/** Octal digits, or after a first bit of 1 a number in 11 bytes (tar(5)). */
function sizeIn(block: Buffer): number {
  if (((block[124] ?? 0) & 0x80) === 0) {
    return Number.parseInt(block.toString('latin1', 124, 136).replace(/[\0 ]/g, ''), 8) || 0;
  }
  return Number(block.readBigUInt64BE(128));
}

/** Lets a tar through as it is, and knows the capabilities of each entry that has come out. */
export class CapabilityReader extends Transform {
  /** By the number of the entry, from 0. */
  readonly #found = new Map<number, Buffer>();
  #entries = 0;
  #skip = 0;
  #held: Buffer = Buffer.alloc(0);
  /** How much of a PAX header is to come; 0: the next block is a header. */
  #paxSize = 0;
  #said: ReturnType<typeof readRecords> = {};

  /** Of the entry with this number; told once. */
  told(entry: number): Buffer | undefined {
    const value = this.#found.get(entry);
    this.#found.delete(entry);
    return value;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#scan(chunk);
    done(null, chunk);
  }

  #scan(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const isBody = this.#skip > 0;
      const wanted = isBody ? this.#skip : (padded(this.#paxSize) || blockSize) - this.#held.length;
      const piece = chunk.subarray(at, at + wanted);
      at += piece.length;
      if (isBody) this.#skip -= piece.length;
      else {
        this.#held = Buffer.concat([this.#held, piece]);
        if (piece.length === wanted) this.#whole();
      }
    }
  }

  /** What is held is a header, or the content of a PAX header. */
  #whole(): void {
    const block = this.#held;
    this.#held = Buffer.alloc(0);
    if (this.#paxSize > 0) {
      Object.assign(this.#said, readRecords(block.subarray(0, this.#paxSize)));
      this.#paxSize = 0;
      return;
    }
    if (block.every((byte) => byte === 0)) return;
    const type = String.fromCharCode(block[156] ?? 0);
    const size = sizeIn(block);
    if (type === 'x') this.#paxSize = size;
    else if ('gLK'.includes(type)) this.#skip = padded(size);
    else {
      const { capability, size: told = size } = this.#said;
      if (capability !== undefined) this.#found.set(this.#entries, Buffer.from(capability));
      this.#entries += 1;
      this.#said = {};
      this.#skip = type === '5' ? 0 : padded(told);
    }
  }
}
