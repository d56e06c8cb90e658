/**
 * `/openapi/v3`: the index, and one document a group-version, which clients keep under its hash. `/openapi/v2`: all in
 * one.
 */

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Kinds } from '../schema/kind.ts';
import { openapiDocument, openapiIndex } from '../schema/openapi.ts';
import type { Exchange, ReplyHeaders } from './exchange.ts';
import { jsonOnly, mediaRanges, negotiate, notAcceptable } from './negotiation.ts';
import { acceptsGzip, type Body } from './reply.ts';

const yearMs = 365 * 24 * 60 * 60 * 1000;
const unpack = promisify(gunzip);

/** Under its hash a document never changes. */
const lasting = () => ({
  'cache-control': 'public, immutable',
  expires: new Date(Date.now() + yearMs).toUTCString(),
});

/** The answer for a path below `/openapi`; `undefined` if there is no such document. Throws 406. */
export async function openapi(
  kinds: Kinds,
  path: string,
  query: URLSearchParams,
  exchange: Exchange,
): Promise<Body | undefined> {
  switch (path.replace(/\/$/, '')) {
    case '/openapi/v2':
      return secondVersion(kinds, exchange);
    case '/openapi/v3':
      return index(kinds, exchange);
    default:
      return path.startsWith('/openapi/v3/') ? document(kinds, path, query, exchange) : undefined;
  }
}

function index(kinds: Kinds, exchange: Exchange): Body {
  negotiate(exchange.headers.accept, jsonOnly);
  const { bytes, hash } = openapiIndex(kinds);
  const headers = { etag: `"${hash}"`, vary: 'Accept' };
  const contentType = 'application/json';
  if (isKnown(exchange, hash)) return { status: 304, contentType, chunks: [], headers };
  return { status: 200, contentType, chunks: [bytes], headers };
}

async function document(
  kinds: Kinds,
  path: string,
  query: URLSearchParams,
  exchange: Exchange,
): Promise<Body | undefined> {
  negotiate(exchange.headers.accept, jsonOnly);
  const found = await openapiDocument(kinds, path.slice('/openapi/v3/'.length));
  if (found === undefined) return undefined;
  const { packed, hash } = found;
  const headers = query.get('hash') === hash ? lasting() : {};
  return packedBody(exchange, { packed, hash, contentType: 'application/json', headers });
}

/** What clients ask for gnostic's message by, and what they are answered with. */
const gnostic = new Map([
  [
    'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  ],
  [
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  ],
]);

async function secondVersion(kinds: Kinds, exchange: Exchange): Promise<Body> {
  const contentType = secondVersionType(exchange.headers.accept ?? '');
  const { openapiV2, openapiV2Hash } = await import('../schema/openapi-v2.ts');
  const hash = openapiV2Hash(kinds);
  if (isKnown(exchange, hash)) {
    return { status: 304, contentType, chunks: [], headers: { etag: `"${hash}"`, vary: 'Accept' } };
  }
  const encoding = contentType === 'application/json' ? 'json' : 'protobuf';
  return packedBody(exchange, { ...(await openapiV2(kinds, encoding)), contentType, headers: {} });
}

function secondVersionType(accept: string): string {
  for (const { type } of mediaRanges(accept)) {
    const answered = gnostic.get(type);
    if (answered !== undefined) return answered;
    if (['', '*/*', 'application/*', 'application/json'].includes(type)) return 'application/json';
  }
  throw notAcceptable(['application/json', ...gnostic.keys()]);
}

const isKnown = ({ headers }: Exchange, hash: string): boolean =>
  headers['if-none-match']?.includes(hash) === true;

interface Packed {
  readonly packed: Buffer;
  readonly hash: string;
  readonly contentType: string;
  readonly headers: ReplyHeaders;
}

/** The document as it is kept, or unpacked for a client that does not take gzip. */
async function packedBody(
  exchange: Exchange,
  { packed, hash, contentType, headers: more }: Packed,
): Promise<Body> {
  const headers = { etag: `"${hash}"`, vary: 'Accept, Accept-Encoding', ...more };
  if (isKnown(exchange, hash)) return { status: 304, contentType, chunks: [], headers };
  if (acceptsGzip(exchange)) {
    const encoded = { ...headers, 'content-encoding': 'gzip' };
    return { status: 200, contentType, chunks: [packed], headers: encoded };
  }
  return { status: 200, contentType, chunks: [await unpack(packed)], headers };
}
