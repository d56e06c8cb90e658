/** Reads DER (X.690): values within given bytes, nothing beyond them. What is malformed is a `SyntaxError`. */

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

export const tags = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

const broken = (what: string): SyntaxError => new SyntaxError(`asn1: ${what}`);

/** The value that starts at `at`. Lengths above four bytes do not occur in what anybody sends. */
function valueAt(bytes: Buffer, at: number): DerValue {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw broken('data truncated');
  if ((tag & 0x1f) === 0x1f) throw broken('tags of several bytes are not known here');
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw broken('length of a form that DER does not have');
    if (start + count > bytes.length) throw broken('data truncated');
    length = bytes.readUIntBE(start, count);
    start += count;
    if (length < 0x80) throw broken('non-minimal length');
  }
  const end = start + length;
  if (end > bytes.length) throw broken('data truncated');
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** All values of the bytes, one after another. */
export function valuesOf(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** What is inside, if the value is there and of this tag. */
export function inside(value: DerValue | undefined, tag: number): DerValue[] {
  return valuesOf(contentOf(value, tag));
}

/** Its bytes, if the value is there and of this tag. */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value === undefined) throw broken(`a value of tag ${tag} is missing`);
  if (value.tag !== tag) throw broken(`tag ${value.tag} where ${tag} belongs`);
  return value.content;
}

/** In dotted notation. */
export function oidOf(value: DerValue | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contentOf(value, tags.oid)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}
