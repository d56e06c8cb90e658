/** `/openapi/v3`: the index, and one document a group-version, which clients keep under its hash. */

import type { Kinds } from '../schema/kind.ts';
import { openapiDocument, openapiIndex } from '../schema/openapi.ts';
import type { Exchange } from './exchange.ts';
import { jsonOnly, negotiate } from './negotiation.ts';
import type { Body } from './reply.ts';

const yearMs = 365 * 24 * 60 * 60 * 1000;

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
  const index = path === '/openapi/v3' || path === '/openapi/v3/';
  if (!index && !path.startsWith('/openapi/v3/')) return undefined;
  negotiate(exchange.headers.accept, jsonOnly);
  const document = index
    ? openapiIndex(kinds)
    : await openapiDocument(kinds, path.slice('/openapi/v3/'.length));
  if (document === undefined) return undefined;
  const etag = `"${document.hash}"`;
  const unchanged = exchange.headers['if-none-match'] === etag;
  const hashed = query.get('hash') === document.hash;
  return {
    status: unchanged ? 304 : 200,
    contentType: 'application/json',
    chunks: unchanged ? [] : [document.bytes],
    headers: { etag, vary: 'Accept', ...(hashed ? lasting() : {}) },
  };
}
