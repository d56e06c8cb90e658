/** Answers as bytes on the wire: lengths, compression, the headers that every answer has. */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { StatusError } from '#api/resources/status.ts';
import type { Exchange, ReplyHeaders } from './exchange.ts';

export interface Body {
  readonly status: number;
  readonly contentType: string;
  readonly chunks: readonly Buffer[];
  readonly headers?: ReplyHeaders;
}

/** kube-apiserver's threshold: below it compressing costs more than it saves. */
const gzipBytesMin = 128 * 1024;

const compress = promisify(gzip);

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
  let length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const headers: ReplyHeaders = { ...common, ...body.headers, 'content-type': contentType };
  const packable = length >= gzipBytesMin && headers['content-encoding'] === undefined;
  if (packable && acceptsGzip(exchange)) {
    const level = constants.Z_BEST_SPEED;
    const packed = await compress(Buffer.concat(chunks), { level });
    chunks = [packed];
    length = packed.length;
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'accept-encoding';
  }
  exchange.respond(status, { ...headers, 'content-length': length });
  if (exchange.method === 'HEAD') {
    exchange.out.end();
    return;
  }
  for (const chunk of chunks.slice(0, -1)) exchange.out.write(chunk);
  exchange.out.end(chunks.at(-1));
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
