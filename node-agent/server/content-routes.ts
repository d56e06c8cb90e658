/**
 * What other nodes read of this one's images (node-agent/image/peers/peers.ts asks):
 *
 *     GET /content/manifests?reference=TAG|DIGEST     docker-content-digest: sha256:…, x-bayplan-manifest: made
 *     GET /content/blobs/DIGEST                       Range: bytes=N-
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { badRequest, failure } from '#api/resources/status.ts';
import type { SharedContent } from '#node-agent/image/peers/shared-content.ts';
import type { Call, Route } from './node-api.ts';

/** Transfers at once: a node that is asked by many still runs its own pods. */
const AT_ONCE = 8;

export function contentRoutes(shared: SharedContent): Route<Call>[] {
  let running = 0;
  const blob = async (call: Call) => {
    if (running >= AT_ONCE) {
      throw failure(503, 'ServiceUnavailable', `this node sends ${AT_ONCE} blobs already`);
    }
    running++;
    try {
      await sendBlob(shared, call);
    } finally {
      running--;
    }
  };
  return [
    {
      method: 'GET',
      path: /^\/content\/manifests$/,
      forNodes: true,
      answer: (call) => sendManifest(shared, call),
    },
    { method: 'GET', path: /^\/content\/blobs\/([^/]+)$/, forNodes: true, answer: blob },
  ];
}

async function sendManifest(shared: SharedContent, { query, response }: Call): Promise<void> {
  const reference = query.get('reference');
  if (reference === null) throw badRequest('name the image: ?reference=');
  const manifest = await shared.manifest(reference);
  if (manifest === undefined) {
    throw failure(404, 'NotFound', `this node has no image ${reference} to give`);
  }
  response.writeHead(200, {
    'content-length': manifest.bytes.length,
    'docker-content-digest': manifest.digest,
    ...(manifest.isManifestOurs ? { 'x-bayplan-manifest': 'made' } : {}),
  });
  response.end(manifest.bytes);
}

async function sendBlob(
  shared: SharedContent,
  { request, response, parts: [digest = ''] }: Call,
): Promise<void> {
  const blob = await shared.blob(digest);
  if (blob === undefined) throw failure(404, 'NotFound', `this node has no blob ${digest}`);
  const { file, sizeBytes } = blob;
  const from = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from > sizeBytes) {
    await file.close();
    throw failure(416, 'RangeNotSatisfiable', `the blob has ${sizeBytes} bytes`);
  }
  const range = { 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` };
  response.writeHead(from === 0 ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': sizeBytes - from,
    ...(from === 0 ? {} : range),
  });
  const options = { fd: file.fd, start: from, autoClose: false, highWaterMark: 1 << 18 };
  try {
    await pipeline(createReadStream('', options), response);
  } catch {
    response.destroy(); // whoever asked has gone
  } finally {
    await file.close();
  }
}
