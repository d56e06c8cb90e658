/** The end of a log, found by reading backwards, so that `tail` costs what it shows and not what was ever written. */
import { type FileHandle, open } from 'node:fs/promises';
import { parseLogLine } from './log-line.ts';

const blockBytes = 64 * 1024;
const lineFeed = 0x0a;

/** Where the last `lines` lines of the file begin; 0 when it has no more than that. */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  const block = Buffer.allocUnsafe(blockBytes);
  let left = lines;
  // The last line's own line feed does not begin a line.
  for (let end = size - 1; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      if (block[at] !== lineFeed) continue;
      left -= 1;
      if (left === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** How many lines the log has, counted from its end up to `most`. */
export async function countLines(path: string, most: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const block = Buffer.allocUnsafe(blockBytes);
    let count = 0;
    for (let end = size; end > 0 && count < most; end = Math.max(0, end - blockBytes)) {
      const start = Math.max(0, end - blockBytes);
      const { bytesRead } = await file.read(block, 0, end - start, start);
      for (let at = 0; at < bytesRead; at += 1) if (block[at] === lineFeed) count += 1;
    }
    return Math.min(count, most);
  } finally {
    await file.close();
  }
}

/** The texts of a log's last lines, at most `bytes` of them, as a termination message shows them. */
export async function readTail(
  path: string,
  limits: { readonly lines: number; readonly bytes: number },
): Promise<string> {
  const file = await open(path, 'r');
  try {
    const offset = await tailOffset(file, limits.lines);
    const { size } = await file.stat();
    // Each line carries some 45 bytes of time and tags besides its text.
    const start = Math.max(offset, size - limits.bytes - limits.lines * 64);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(size - start),
      0,
      size - start,
      start,
    );
    const texts = linesOf(buffer.subarray(0, bytesRead)).map((line) => {
      const parsed = parseLogLine(line);
      return parsed === undefined ? '' : `${parsed.text}${parsed.full ? '\n' : ''}`;
    });
    return texts.join('').slice(-limits.bytes);
  } finally {
    await file.close();
  }
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
