/** Answers as bytes on the wire: lengths, compression, the headers that every answer has. */
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { StatusError } from '#api/resources/status.ts';
import type { Exchange, ReplyHeaders } from './exchange.ts';

export interface Body {
  readonly status: number;
  readonly contentType: string;
  readonly chunks: readonly Buffer[];
  readonly headers?: ReplyHeaders;
  /** The chunks as gzip, if there is a quicker way than to compress them. */
  readonly gzip?: () => Promise<readonly Buffer[]>;
}

/** kube-apiserver's threshold: below it compressing costs more than it saves. */
const gzipBytesMin = 128 * 1024;

/** What is written of an answer before the client must have taken it. */
const stepBytes = 256 * 1024;

const compress = promisify(gzip);

const lengthOf = (chunks: readonly Buffer[]): number =>
  chunks.reduce((sum, chunk) => sum + chunk.length, 0);

async function compressed(chunks: readonly Buffer[]): Promise<readonly Buffer[]> {
  return [await compress(Buffer.concat(chunks), { level: constants.Z_BEST_SPEED })];
}

/** What every answer carries; `Audit-Id` is what the client sent or the server chose. */
export function commonHeaders(auditId: string, warnings: readonly string[]): ReplyHeaders {
  const headers: ReplyHeaders = { 'audit-id': auditId, 'cache-control': 'no-cache, private' };
  if (warnings.length === 0) return headers;
  const lines = [...new Set(warnings)].map((text) => `299 - ${quoted(text)}`);
  return { ...headers, warning: lines };
}

/** RFC 7230 quoted-string; what a header may not hold is left out. */
function quoted(text: string): string {
  const safe = text.replace(/[^\t\x20-\x7e]/g, ' ');
  return `"${safe.replace(/[\\"]/g, '\\$&')}"`;
}

/** Whether the client takes compressed answers. */
export const acceptsGzip = (exchange: Exchange): boolean =>
  /\bgzip\b/.test(String(exchange.headers['accept-encoding'] ?? ''));

/** Sends the whole answer. Large ones are compressed, off the event loop, if the client takes that. */
export async function send(exchange: Exchange, body: Body, common: ReplyHeaders): Promise<void> {
  const { status, contentType } = body;
  let { chunks } = body;
  let length = lengthOf(chunks);
  const headers: ReplyHeaders = { ...common, ...body.headers, 'content-type': contentType };
  const packable = length >= gzipBytesMin && headers['content-encoding'] === undefined;
  if (packable && acceptsGzip(exchange)) {
    chunks = await (body.gzip?.() ?? compressed(chunks));
    length = lengthOf(chunks);
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'accept-encoding';
  }
  headers['content-length'] = length;
  exchange.respond(status, headers);
  if (exchange.method === 'HEAD') {
    exchange.out.end();
    return;
  }
  await writeAll(exchange.out, chunks);
}

/**
 * Writes the parts and ends. A large answer goes out part by part, as the client takes it: all at once it would be
 * copied whole for the encryption, and hold up everybody else meanwhile.
 */
async function writeAll(out: Writable, chunks: readonly Buffer[]): Promise<void> {
  const last = chunks.length - 1;
  let waiting = 0;
  for (let at = 0; at < last; at += 1) {
    const chunk = chunks[at] as Buffer;
    waiting += chunk.length;
    if (out.write(chunk) || waiting < stepBytes) continue;
    waiting = 0;
    await drained(out);
    if (out.destroyed) return;
  }
  out.end(chunks[last]);
}

function drained(out: Writable): Promise<void> {
  if (out.destroyed || !out.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done);
      out.off('close', done);
      resolve();
    };
    out.once('drain', done);
    out.once('close', done);
  });
}

export const jsonBody = (status: number, object: unknown): Body => ({
  status,
  contentType: 'application/json',
  chunks: [Buffer.from(JSON.stringify(object))],
});

export const textBody = (status: number, text: string): Body => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  chunks: [Buffer.from(text)],
});

export function statusBody(error: StatusError): Body {
  const seconds = error.status.details?.retryAfterSeconds;
  return {
    ...jsonBody(error.code, error.status),
    ...(seconds === undefined ? {} : { headers: { 'retry-after': String(seconds) } }),
  };
}
