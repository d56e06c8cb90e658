/** A protobuf writer for tests: just enough to say what client-go says. */

type Part = Buffer | readonly Part[];

const join = (parts: Part): Buffer =>
  Buffer.isBuffer(parts) ? parts : Buffer.concat(parts.map(join));

export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

/** A number or boolean. */
export function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + 1), bytes]);
}

/** A string, bytes or a message of other fields. */
export function chunk(field: number, ...content: (string | Part)[]): Buffer {
  const bytes = join(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

/** An entry of a map field. */
export function entry(field: number, key: string, value: Buffer): Buffer {
  return chunk(field, chunk(1, key), value);
}

/** The envelope around an object's own message. */
export function envelope(apiVersion: string, kind: string, ...message: Part[]): Buffer {
  const meta = chunk(1, chunk(1, apiVersion), chunk(2, kind));
  const rest = [chunk(3, ''), chunk(4, '')];
  return Buffer.concat([Buffer.from('k8s\0'), meta, chunk(2, ...message), ...rest]);
}
