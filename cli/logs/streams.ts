/** Logs one after another, or, followed, at once with their lines whole. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { filesPath } from '../files.ts';
import { podPath } from '../target.ts';
import type { LogSource } from './sources.ts';

interface How {
  /** Whether each line says whose it is. */
  readonly prefix: boolean;
  /** Whether a log that cannot be read is told in its place, and does not end the others. */
  readonly tell: boolean;
}

const newline = 0x0a;

/** Calls `line` with each line and its newline; what is left at the end is a line, too. */
async function eachWholeLine(stream: Readable, line: (bytes: Buffer) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    let data = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    const end = data.lastIndexOf(newline) + 1;
    rest = data.subarray(end);
    data = data.subarray(0, end);
    for (let at = 0; at < data.length; ) {
      const next = data.indexOf(newline, at) + 1;
      line(data.subarray(at, next));
      at = next;
    }
  }
  if (rest.length > 0) line(rest);
}

export class Streams {
  readonly #client: RemoteClient;
  readonly #query: URLSearchParams;
  readonly #how: How;

  constructor(client: RemoteClient, query: URLSearchParams, how: How) {
    this.#client = client;
    this.#query = query;
    this.#how = how;
  }

  async show(sources: readonly LogSource[], isFollowed: boolean): Promise<void> {
    const [only, ...more] = sources;
    if (only !== undefined && more.length === 0 && !this.#how.prefix) {
      const log = await this.#open(only);
      await pipeline(log, process.stdout, { end: false });
      return;
    }
    if (isFollowed) await Promise.all(sources.map((source) => this.#lines(source)));
    else for (const source of sources) await this.#lines(source);
  }

  #open(source: LogSource): Promise<Readable> {
    const query = new URLSearchParams(this.#query);
    const { namespace, pod, isContainer } = source;
    const path = isContainer
      ? filesPath({ text: pod, namespace }, 'log', query)
      : podPath(source, 'log', query);
    return this.#client.streamRequest('GET', path);
  }

  async #lines(source: LogSource): Promise<void> {
    const { pod, container = '' } = source;
    const lead = this.#how.prefix ? `[pod/${pod}/${container}] ` : '';
    try {
      await eachWholeLine(await this.#open(source), (bytes) => {
        if (lead !== '') process.stdout.write(lead);
        process.stdout.write(bytes);
      });
    } catch (error) {
      if (!this.#how.tell) throw error;
      process.stdout.write(`error: ${(error as Error).message}\n`);
    }
  }
}
