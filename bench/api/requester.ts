/** A load generator as thin as Node allows: a few HTTP/2 connections, bodies counted and not looked at. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { join } from 'node:path';

export interface Sent {
  readonly body?: Buffer | string;
  readonly headers?: Record<string, string>;
}

/** As client-go asks for on a stream. */
const windowBytes = 4 * 1024 * 1024;

export class Requester {
  readonly #sessions: ClientHttp2Session[];
  #next = 0;

  /** As `kubernetes-admin`, on `connections` connections used in turn. */
  constructor(url: string, pki: string, connections: number) {
    const file = (name: string) => readFileSync(join(pki, name));
    const identity = { ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key') };
    this.#sessions = Array.from({ length: connections }, () => {
      const session = connect(url, {
        ...identity,
        maxSessionMemory: 512,
        settings: { initialWindowSize: windowBytes, enablePush: false },
      });
      session.on('error', () => undefined);
      session.once('connect', () => session.setLocalWindowSize(windowBytes));
      return session;
    });
  }

  /** Opens a request and leaves its stream to the caller: a watch. */
  open(method: string, path: string, { body, headers = {} }: Sent = {}): ClientHttp2Stream {
    const session = this.#sessions[this.#next++ % this.#sessions.length];
    if (session === undefined) throw new Error('no connection');
    const stream = session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    return stream;
  }

  /** Sends and reads to the end; resolves with the bytes of the body. Rejects unless the answer is 2xx. */
  send(method: string, path: string, sent?: Sent): Promise<number> {
    return new Promise((resolve, reject) => {
      const stream = this.open(method, path, sent);
      let status = 0;
      let bytes = 0;
      let first: Buffer | undefined;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        first ??= chunk;
        bytes += chunk.length;
      });
      stream.on('error', reject);
      stream.on('close', () => {
        if (status >= 200 && status < 300) resolve(bytes);
        else reject(new Error(`${method} ${path}: ${status} ${first?.toString().slice(0, 300)}`));
      });
    });
  }

  async status(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const stream = this.open('GET', path);
      stream.on('response', (headers) => resolve(Number(headers[':status'])));
      stream.on('error', reject);
      stream.on('close', () => resolve(0));
      stream.resume();
    });
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }
}

/** Runs `work` for 0 to count - 1, `width` at a time. */
export async function concurrently(
  count: number,
  width: number,
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
