/** A tiny API server for kubectl: discovery and OpenAPI are ours, objects are whatever was posted. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as Either from 'fp-ts/lib/Either.js';
import { decodeBody } from '#api/schema/decode.ts';
import { aggregated, apiGroupList, apiResourceList, apiVersions } from '#api/schema/discovery.ts';
import type { Kinds } from '#api/schema/kind.ts';
import { openapiDocument, openapiIndex } from '#api/schema/openapi.ts';

/** One write that kubectl made. */
export interface Write {
  readonly method: string;
  readonly url: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface KubectlServer {
  readonly writes: Write[];
  /** Runs kubectl against the server; both outputs together. */
  kubectl(...args: string[]): Promise<{ code: number; output: string }>;
  close(): Promise<void>;
}

interface Reply {
  readonly code: number;
  readonly type?: string;
  readonly body: Buffer | string;
}

/** `legacy`: without aggregated discovery, as old clients ask for it. */
export async function startKubectlServer(kinds: Kinds, legacy = false): Promise<KubectlServer> {
  const home = await mkdtemp(join(tmpdir(), 'schema-kubectl-'));
  const objects = new Map<string, string>();
  const writes: Write[] = [];
  const server = createServer((request, response) => {
    void reply(request, { kinds, objects, writes, legacy }).then(({ code, type, body }) => {
      response.writeHead(code, { 'content-type': type ?? 'application/json' }).end(body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const base = ['--server', `http://127.0.0.1:${port}`, '--cache-dir', join(home, 'cache')];
  return {
    writes,
    kubectl: (...args) => run(home, [...base, ...args]),
    close: async () => {
      await closeServer(server);
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

function run(home: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done, fail) => {
    const child = spawn('kubectl', args, { env: { ...process.env, HOME: home, KUBECONFIG: '' } });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, output }));
  });
}

interface World {
  readonly kinds: Kinds;
  readonly objects: Map<string, string>;
  readonly writes: Write[];
  readonly legacy: boolean;
}

async function reply(request: IncomingMessage, world: World): Promise<Reply> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const found = discovery(pathname, request, world) ?? (await openapi(pathname, world.kinds));
  return found ?? storage(pathname, request, body, world);
}

function discovery(path: string, request: IncomingMessage, { kinds, legacy }: World) {
  if (path === '/version') {
    return { code: 200, body: '{"major":"1","minor":"36","gitVersion":"v1.36.0"}' };
  }
  if (path === '/api' || path === '/apis') {
    if (!legacy && request.headers.accept?.includes('as=APIGroupDiscoveryList') === true) {
      const { bytes } = aggregated(kinds, path === '/api' ? 'api' : 'apis', 'v2');
      const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      return { code: 200, type, body: bytes };
    }
    return { code: 200, body: (path === '/api' ? apiVersions() : apiGroupList(kinds)).bytes };
  }
  const list = /^\/(?:api|apis\/([\w.-]+))\/(v\w+)$/.exec(path);
  const document = list === null ? undefined : apiResourceList(kinds, list[1] ?? '', list[2] ?? '');
  return document === undefined ? undefined : { code: 200, body: document.bytes };
}

async function openapi(path: string, kinds: Kinds): Promise<Reply | undefined> {
  if (path === '/openapi/v3') return { code: 200, body: openapiIndex(kinds).bytes };
  if (!path.startsWith('/openapi/v3/')) return undefined;
  const document = await openapiDocument(kinds, path.slice('/openapi/v3/'.length));
  return document === undefined ? undefined : { code: 200, body: gunzipSync(document.packed) };
}

function storage(path: string, request: IncomingMessage, body: Buffer, world: World): Reply {
  const { method = '', url = '' } = request;
  const contentType = request.headers['content-type'] ?? '';
  if (method !== 'GET') world.writes.push({ method, url, contentType, body });
  if (method === 'POST') {
    const decoded = decodeBody(undefined, body, contentType, 'Strict', world.kinds);
    if (Either.isLeft(decoded)) {
      return { code: decoded.left.code, body: JSON.stringify(decoded.left.status) };
    }
    const { object } = decoded.right;
    const text = JSON.stringify(object);
    world.objects.set(`${path}/${object.metadata.name}`, text);
    return { code: 201, body: text };
  }
  const stored = world.objects.get(path);
  if (stored !== undefined) return { code: 200, body: stored };
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: 'NotFound',
    code: 404,
  };
  return { code: 404, body: JSON.stringify(status) };
}
