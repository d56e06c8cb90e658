/** Builds tar archives byte by byte, also ones no tar program would write. */

export interface TarEntry {
  readonly name: string;
  /** '0' file (default), '1' hard link, '2' symbolic link, '3' '4' devices, '5' directory, '6' FIFO … */
  readonly type?: string;
  readonly content?: Buffer | string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly device?: readonly [major: number, minor: number];
  /** PAX records of a header before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** The size the header claims, when it is not the content's. */
  readonly size?: number;
  /** The name as a GNU 'L' entry before it. */
  readonly gnuLongName?: string;
}

const BLOCK = 512;

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name, 0, 100);
  block.write(octal(entry.mode ?? 0o644, 8), 100);
  block.write(octal(entry.uid ?? 0, 8), 108);
  block.write(octal(entry.gid ?? 0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(entry.mtime ?? 1_600_000_000, 12), 136);
  block.fill(' ', 148, 156);
  block.write(entry.type ?? '0', 156);
  block.write(entry.link ?? '', 157, 100);
  block.write('ustar\0', 257, 'latin1');
  block.write('00', 263);
  block.write(octal(entry.device?.[0] ?? 0, 8), 329);
  block.write(octal(entry.device?.[1] ?? 0, 8), 337);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** "<length> <key>=<value>\n", where the length counts itself. */
export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function bytesOf(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const before: Buffer[] = [];
  if (entry.gnuLongName !== undefined) {
    const long = Buffer.from(`${entry.gnuLongName}\0`);
    before.push(header({ name: '././@LongLink', type: 'L' }, long.length), padded(long));
  }
  if (entry.pax !== undefined) {
    const records = Buffer.concat(
      Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value)),
    );
    before.push(header({ name: 'PaxHeaders/x', type: 'x' }, records.length), padded(records));
  }
  return Buffer.concat([...before, header(entry, entry.size ?? content.length), padded(content)]);
}

/** A whole archive. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(bytesOf), Buffer.alloc(2 * BLOCK)]);
}
