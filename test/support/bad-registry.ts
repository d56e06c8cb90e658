/** A registry in memory that serves images well until it is told to misbehave: `meet` sees each request first. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type ImageParts, sha256 } from './image-archives.ts';

export const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Document {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Answers by itself and returns true, or leaves it to the registry. */
export type Meet = (request: IncomingMessage, response: ServerResponse, url: string) => boolean;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const digestOf = (bytes: Buffer | string): string => `sha256:${sha256(bytes)}`;

/** By the algorithm of another digest. */
const digestLike = (bytes: Buffer, digest: string): string => {
  const [algorithm = 'sha256'] = digest.split(':');
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
};

export class BadRegistry {
  readonly blobs = new Map<string, Buffer>();
  /** By `repository:tag` and `repository@digest`. */
  readonly manifests = new Map<string, Document>();
  readonly seen: Seen[] = [];
  readonly uploads = new Map<string, Buffer[]>();
  readonly #server: Server;
  meet: Meet = () => false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<BadRegistry> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    const registry = new BadRegistry(server as Server);
    server.on('request', (request, response) => registry.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** How often something was asked for. */
  count(method: string, url: RegExp): number {
    return this.seen.filter((each) => each.method === method && url.test(each.url)).length;
  }

  blob(mediaType: string, bytes: Buffer): Descriptor {
    this.blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  }

  manifest(repository: string, tag: string | undefined, type: string, value: object): Descriptor {
    const bytes = Buffer.from(JSON.stringify(value));
    const document = { type, bytes };
    this.manifests.set(`${repository}@${digestOf(bytes)}`, document);
    if (tag !== undefined) this.manifests.set(`${repository}:${tag}`, document);
    return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
  }

  /** An image with gzip layers. */
  image(
    repository: string,
    tag: string | undefined,
    { layers, config = {}, architecture = 'amd64' }: ImageParts,
    change: (manifest: Record<string, unknown>) => Record<string, unknown> = (same) => same,
  ): { readonly manifest: Descriptor; readonly layers: readonly Descriptor[] } {
    const diffIds = layers.map(digestOf);
    const document = {
      architecture,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: diffIds },
    };
    const configuration = this.blob(types.config, Buffer.from(JSON.stringify(document)));
    const blobs = layers.map((each) => this.blob(types.layer, gzipSync(each)));
    const manifest = change({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: configuration,
      layers: blobs,
    });
    const type = String(manifest['mediaType'] ?? types.manifest);
    return { manifest: this.manifest(repository, tag, type, manifest), layers: blobs };
  }

  #answer(request: IncomingMessage, response: ServerResponse): unknown {
    const { method = '', url = '', headers } = request;
    this.seen.push({ method, url, headers });
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    if (this.meet(request, response, url)) return;
    const { pathname, searchParams } = new URL(url, 'http://registry');
    const [, repository = '', kind, name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(pathname) ?? [];
    if (pathname === '/v2/') return send(response, 200, '{}');
    if (kind === 'manifests') return this.#manifests(request, response, { repository, name });
    if (kind === 'blobs') return this.#blob(request, response, name);
    if (kind === 'blobs/uploads') {
      return this.#upload(request, response, { repository, name, query: searchParams });
    }
    return refuse(response, 404, 'UNSUPPORTED', 'no such path');
  }

  #manifests(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, name }: { readonly repository: string; readonly name: string },
  ): unknown {
    if (request.method === 'PUT') {
      const type = request.headers['content-type'] ?? '';
      return collect(request, (bytes) => {
        const digest = digestOf(bytes);
        this.manifests.set(`${repository}@${digest}`, { type, bytes });
        this.manifests.set(`${repository}:${name}`, { type, bytes });
        return send(response, 201, '', { 'docker-content-digest': digest });
      });
    }
    const isDigest = /^sha\d+:/.test(name);
    const key = isDigest ? `${repository}@${name}` : `${repository}:${name}`;
    const found = this.manifests.get(key);
    if (found === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const told = isDigest ? name : digestOf(found.bytes);
    const digest = { 'docker-content-digest': told, 'content-type': found.type };
    return send(response, 200, request.method === 'HEAD' ? '' : found.bytes, digest);
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): unknown {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) return refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown');
    if (request.method === 'HEAD') return send(response, 200, '');
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start === 0) return send(response, 200, bytes);
    if (start >= bytes.length) return send(response, 416, '');
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    return send(response, 206, bytes.subarray(start), { 'content-range': range });
  }

  #upload(
    request: IncomingMessage,
    response: ServerResponse,
    {
      repository,
      name,
      query,
    }: { readonly repository: string; readonly name: string; readonly query: URLSearchParams },
  ): unknown {
    const id = name === '' ? String(this.uploads.size + 1) : name;
    const parts = this.uploads.get(id) ?? [];
    this.uploads.set(id, parts);
    const mounted = query.get('mount');
    if (mounted !== null && query.get('from') !== null && this.blobs.has(mounted)) {
      return send(response, 201, '');
    }
    const location = `/v2/${repository}/blobs/uploads/${id}?_state=a%2Bb`;
    const received = () => parts.reduce((sum, part) => sum + part.length, 0);
    const state = () => ({ location, range: `0-${Math.max(received() - 1, 0)}` });
    if (request.method === 'GET') return send(response, 204, '', state());
    return collect(request, (bytes) => {
      if (request.method === 'POST') return send(response, 202, '', state());
      const start = Number(
        /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1] ?? received(),
      );
      if (start !== received()) return send(response, 416, '', state());
      parts.push(bytes);
      if (request.method === 'PATCH') return send(response, 202, '', state());
      const whole = Buffer.concat(parts);
      const digest = query.get('digest') ?? '';
      if (digestLike(whole, digest) !== digest)
        return refuse(response, 400, 'DIGEST_INVALID', 'wrong digest');
      this.blobs.set(digest, whole);
      return send(response, 201, '');
    });
  }
}

function collect(request: IncomingMessage, done: (bytes: Buffer) => unknown): void {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => done(Buffer.concat(pieces)));
}

/** Answers with a body of a known length; true, so that a `meet` can end with it. */
export function send(
  response: ServerResponse,
  status: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
): true {
  const length = status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...length, ...headers });
  response.end(body);
  return true;
}

/** An error as the specification writes it. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): true {
  const body = JSON.stringify({ errors: [{ code, message, detail: {} }] });
  return send(response, status, body, { 'content-type': 'application/json' });
}
