/** Just enough of DER (X.690) to find extensions in certificates and to take one away. */

export interface Der {
  readonly tag: number;
  /** Without its header. */
  readonly content: Buffer;
  /** With it. */
  readonly whole: Buffer;
}

/** Reads the element at the start. @throws RangeError when there is none */
export function readDer(bytes: Buffer): Der {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw broken();
  const isShort = first < 0x80;
  const count = isShort ? 0 : first & 0x7f;
  if (!isShort && (count === 0 || count > 4 || bytes.length < 2 + count)) throw broken();
  const length = isShort ? first : bytes.readUIntBE(2, count);
  const start = 2 + count;
  if (start + length > bytes.length) throw broken();
  return {
    tag,
    content: bytes.subarray(start, start + length),
    whole: bytes.subarray(0, start + length),
  };
}

const broken = (): RangeError => new RangeError('the DER is broken');

/** The elements one after the other. @throws RangeError */
export function readAllDer(bytes: Buffer): readonly Der[] {
  const found: Der[] = [];
  for (let rest = bytes; rest.length > 0; rest = rest.subarray(found.at(-1)?.whole.length ?? 0)) {
    found.push(readDer(rest));
  }
  return found;
}

/** An element anew, from its content. */
export function makeDer(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(8, '0'), 'hex');
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | short.length]), short, body]);
}

/** `1.3.6.1…` of an object identifier's content. */
export function oidText(content: Buffer): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    parts.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = parts;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}
