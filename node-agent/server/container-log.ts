/** A container's log as its readers get it: the texts of the CRI file, from where they asked, as they come. */
import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseLogLine } from './log-line.ts';
import type { LogOptions } from './log-options.ts';
import { tailOffset } from './log-tail.ts';

const blockBytes = 64 * 1024;
/** A line longer than this is given out in pieces: no reader makes the agent hold more. */
const lineBytesMax = 1024 * 1024;
const lineFeed = 0x0a;
const newline = Buffer.from('\n');

export interface LogSource {
  readonly path: string;
  /** Whether more may be written. */
  readonly isLive: () => boolean;
  /** Calls back when `isLive` may have changed; gives back how to stop that. */
  readonly onChange: (callback: () => void) => () => void;
}

/**
 * The log's content in chunks. With `follow` it goes on, also across rotation (the file at `path` is another one),
 * until the container has ended and all is told, or `signal` aborts.
 * @throws the file system's error when there is no such file
 */
export async function* containerLog(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const news = options.follow ? new News(source, signal) : undefined;
  const text = new LogText(options);
  let file = await open(source.path, 'r');
  try {
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines);
    for (;;) {
      const isLive = source.isLive();
      news?.begin();
      for await (const block of blocksFrom(file, offset)) {
        offset += block.length;
        const chunk = text.next(block);
        if (chunk.length > 0) yield chunk;
        if (text.isDone || signal.aborted) return;
      }
      if (news === undefined) return;
      const next = await rotated(file, source.path, offset);
      if (next !== undefined) {
        await file.close();
        file = next;
        offset = 0;
      } else if (!isLive) return;
      else await news.wait();
      if (signal.aborted) return;
    }
  } finally {
    news?.close();
    await file.close();
  }
}

async function* blocksFrom(file: FileHandle, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; ; ) {
    const { buffer, bytesRead } = await file.read(
      Buffer.allocUnsafe(blockBytes),
      0,
      blockBytes,
      at,
    );
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The new file, opened, if the log was rotated (or cut off) since. */
async function rotated(
  file: FileHandle,
  path: string,
  offset: number,
): Promise<FileHandle | undefined> {
  const [ours, theirs] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  if (theirs === undefined) return undefined;
  if (theirs.ino === ours.ino && theirs.size >= offset) return undefined;
  // What was written between our last read and the rotation comes first.
  if (theirs.ino !== ours.ino && ours.size > offset) return undefined;
  return open(path, 'r').catch(() => undefined);
}

/** Waits for the next reason to look at the file again. */
class News {
  readonly #close: (() => void)[] = [];
  #pending = Promise.withResolvers<void>();

  constructor(source: LogSource, signal: AbortSignal) {
    const tell = () => this.#pending.resolve();
    // The directory, not the file: rotation puts another file in its place.
    const watcher = watch(dirname(source.path), { persistent: false }, tell);
    watcher.on('error', tell);
    signal.addEventListener('abort', tell);
    this.#close.push(() => watcher.close(), source.onChange(tell));
    this.#close.push(() => signal.removeEventListener('abort', tell));
  }

  /** From here on news count. */
  begin(): void {
    this.#pending.resolve();
    const tell = Promise.withResolvers<void>();
    this.#pending = tell;
  }

  wait(): Promise<void> {
    return this.#pending.promise;
  }

  close(): void {
    for (const close of this.#close) close();
  }
}

/** From blocks of the file to the text that was asked for. */
class LogText {
  readonly #options: LogOptions;
  #rest: Buffer = Buffer.alloc(0);
  #left: number;
  #since: number | undefined;
  #insideLine = false;
  #isPast = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    this.#since = options.since;
  }

  /** Whether `limitBytes` is used up, or the log has come to `until`. */
  get isDone(): boolean {
    return this.#left <= 0 || this.#isPast;
  }

  next(block: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? block : Buffer.concat([this.#rest, block]);
    const parts: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      this.#line(bytes.subarray(start, end), parts);
      start = end + 1;
    }
    const rest = bytes.subarray(start);
    // A line without end is nothing the supervisor writes; what is so long is dropped.
    this.#rest = rest.length > lineBytesMax ? Buffer.alloc(0) : Buffer.from(rest);
    const chunk = Buffer.concat(parts).subarray(0, Math.min(this.#left, 2 ** 31));
    this.#left -= chunk.length;
    return chunk;
  }

  #line(line: Buffer, parts: Buffer[]): void {
    const parsed = parseLogLine(line);
    if (parsed === undefined) return;
    if (this.#since !== undefined) {
      if (Date.parse(parsed.time) < this.#since) return;
      // Times only grow: the rest of the log is wanted.
      this.#since = undefined;
    }
    const { stream, timestamps, until } = this.#options;
    if (until !== undefined && Date.parse(parsed.time) > until) this.#isPast = true;
    if (this.#isPast) return;
    if (stream !== undefined && parsed.stream !== stream) return;
    if (timestamps && !this.#insideLine) parts.push(Buffer.from(`${parsed.time} `));
    parts.push(parsed.text);
    if (parsed.full) parts.push(newline);
    this.#insideLine = !parsed.full;
  }
}
