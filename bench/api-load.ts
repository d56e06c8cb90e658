/** A load generator for the API: bare HTTP/2 streams over TLS, as little work for each request as Node allows. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';
import { percentile } from './measure.ts';

export interface Answer {
  readonly status: number;
  /** The body's length; the body itself is kept only where `keep` asks for it. */
  readonly bytes: number;
  readonly body: Buffer;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly keep?: true;
  /** Ends the request when these words have come: a watch that has told its present state. */
  readonly until?: string;
}

const windowBytes = 16 * 1024 * 1024;

/** A connection of its own, with the administrator's certificate. */
export function openSession(url: string, pki: string): Promise<ClientHttp2Session> {
  const read = (name: string) => readFileSync(join(pki, name));
  const session = connect(url, {
    ca: read('ca.crt'),
    cert: read('admin.crt'),
    key: read('admin.key'),
    settings: { initialWindowSize: windowBytes },
    maxSessionMemory: 1024,
  });
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    session.once('connect', () => {
      session.setLocalWindowSize(4 * windowBytes);
      resolve(session);
    });
  });
}

export function ask(
  session: ClientHttp2Session,
  { method = 'GET', path, headers, body, keep, until }: Ask,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    let status = 0;
    let bytes = 0;
    const kept: Buffer[] = [];
    stream.once('response', (head) => {
      status = Number(head[':status']);
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (keep === true || status >= 400) kept.push(chunk);
      if (until === undefined || !chunk.subarray(-4096).includes(until)) return;
      resolve({ status, bytes, body: chunk });
      stream.close();
    });
    stream.once('error', reject);
    stream.once('end', () => resolve({ status, bytes, body: Buffer.concat(kept) }));
    stream.end(body);
  });
}

export interface Rate {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Asks `count` times, `width` at a time, spread over the sessions. Throws on the first answer that is no success: what
 * fails is no measure.
 */
export async function load(
  sessions: readonly ClientHttp2Session[],
  count: number,
  width: number,
  make: (n: number) => Ask,
): Promise<Rate> {
  const times: number[] = [];
  let next = 0;
  const worker = async (index: number) => {
    const session = sessions[index % sessions.length] as ClientHttp2Session;
    while (next < count) {
      const began = performance.now();
      const { status, body } = await ask(session, make(next++));
      if (status >= 300) throw new Error(`answered ${status}: ${body}`);
      times.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: width }, (_, index) => worker(index)));
  const perSecond = (count * 1000) / (performance.now() - began);
  return { perSecond, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** A watch that counts: resolves when it is accepted. `events` grows by one with each line. */
export function countingWatch(
  session: ClientHttp2Session,
  path: string,
): Promise<{ events: number; end(): void }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'GET', ':path': path });
    const watch = { events: 0, end: () => stream.close() };
    stream.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) watch.events += 1;
    });
    stream.once('error', reject);
    stream.once('response', () => resolve(watch));
  });
}
