/**
 * The node's API: kubelet's paths over mutual TLS. Only the API server and the cluster's administrators are answered.
 *
 *     GET  /healthz /pods /images /stats/summary /containerLogs/{namespace}/{pod}/{container}
 *     GET, POST  /exec/… /attach/… /portForward/{namespace}/{pod} (upgrade to WebSocket or SPDY/3.1)
 *     POST /images/load /images/pull?reference= /images/push?reference= /images/tag?source=&target=
 *     POST /shutdown?containers=stop     DELETE /images/{reference}?force=true /volumes/{name}
 *     GET  /system/df     POST /system/prune/images?all=true
 *     GET  /content/manifests /content/blobs/{digest}: the cluster's nodes are answered, too
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { failure, StatusError } from '#api/resources/status.ts';
import { errorText, type Log } from '#controller/runtime/log.ts';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What the path's variable parts hold, decoded. */
  readonly parts: readonly string[];
}

export interface UpgradeCall {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly query: URLSearchParams;
  readonly parts: readonly string[];
}

export interface Route<C> {
  readonly method: string;
  /** Its groups become `parts`. */
  readonly path: RegExp;
  /** The cluster's other nodes may ask, too. */
  readonly forNodes?: true;
  readonly answer: (call: C) => Promise<void>;
}

export interface NodeApiOptions {
  readonly bindAddress: string;
  readonly port: number;
  /** PEM texts. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly routes: readonly Route<Call>[];
  readonly upgrades: readonly Route<UpgradeCall>[];
  readonly log: Log;
}

export interface NodeApi {
  readonly port: number;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}

/** The client identities the node answers (pkg/kubelet authorises through the API; we know both parties). */
const apiServerName = 'kube-apiserver-kubelet-client';
const administrators = 'system:masters';
const clusterNodes = 'system:nodes';

/** Listens; resolves when it does. Port 0 takes a free one. @throws Error naming the address when it cannot. */
export async function serveNodeApi(options: NodeApiOptions): Promise<NodeApi> {
  const { bindAddress, port, tls } = options;
  const server = createServer(
    { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    (request, response) => void serveCall(options, request, response),
  );
  // Log streams and image uploads take as long as they take.
  server.requestTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    void serveUpgrade(options, request, { socket, head });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`listen on ${bindAddress}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, bindAddress, resolve);
  });
  const address = server.address() as AddressInfo;
  return { port: address.port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Who asks: one of those that may use all of the API, or a node. @throws StatusError 403 */
function identify(request: IncomingMessage): 'cluster' | 'node' {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate();
  const organizations = [subject?.O ?? []].flat();
  if (subject?.CN === apiServerName || organizations.includes(administrators)) return 'cluster';
  const name = [subject?.CN ?? 'somebody'].flat().join();
  if (organizations.includes(clusterNodes) && name.startsWith('system:node:')) return 'node';
  throw forbidden(name);
}

function forbidden(name: string): StatusError {
  return failure(403, 'Forbidden', `${JSON.stringify(name)} may not use this node's API`);
}

/** The route that is asked for, if whoever asks may use it. @throws StatusError */
function authorized<C>(routes: readonly Route<C>[], request: IncomingMessage): Found<C> {
  const who = identify(request);
  if (who === 'cluster') return find(routes, request);
  const open = routes.filter(({ forNodes }) => forNodes);
  const url = new URL(request.url ?? '/', 'https://node');
  if (!open.some(({ path }) => path.test(url.pathname))) throw forbidden('a node');
  return find(open, request);
}

interface Found<C> {
  readonly route: Route<C>;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

/** @throws StatusError 404, 405 or, for a badly encoded path, 400 */
function find<C>(routes: readonly Route<C>[], request: IncomingMessage): Found<C> {
  const url = new URL(request.url ?? '/', 'https://node');
  const matching = routes.filter(({ path }) => path.test(url.pathname));
  if (matching.length === 0) {
    throw failure(404, 'NotFound', `the node's API has no path ${url.pathname}`);
  }
  const route = matching.find(({ method }) => method === request.method);
  if (route === undefined) {
    const message = `${request.method} is not served on ${url.pathname}`;
    throw failure(405, 'MethodNotAllowed', message);
  }
  const [, ...parts] = route.path.exec(url.pathname) ?? [];
  return { route, parts: parts.map(decode), query: url.searchParams };
}

function decode(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch (cause) {
    throw failure(400, 'BadRequest', `badly encoded path: ${String(cause)}`);
  }
}

async function serveCall(
  options: NodeApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { route, parts, query } = authorized(options.routes, request);
    await route.answer({ request, response, parts, query });
  } catch (error) {
    const { status } = asStatus(options.log, error, request);
    if (response.headersSent) response.destroy();
    else sendJson(response, status, status.code);
    // What is left of a body that is not wanted must not keep the connection.
    request.resume();
  }
}

async function serveUpgrade(
  options: NodeApiOptions,
  request: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  socket.on('error', () => socket.destroy());
  try {
    const { route, parts, query } = authorized(options.upgrades, request);
    const wanted = request.headers.upgrade?.toLowerCase() ?? '';
    if (!['websocket', 'spdy/3.1'].includes(wanted)) {
      const message = `unable to upgrade to ${request.headers.upgrade}: this node speaks WebSocket and SPDY/3.1`;
      throw failure(400, 'BadRequest', message);
    }
    await route.answer({ request, socket, head, parts, query });
  } catch (error) {
    refuse(socket, asStatus(options.log, error, request));
  }
}

function refuse(socket: Duplex, { status }: StatusError): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function asStatus(log: Log, error: unknown, request: IncomingMessage): StatusError {
  if (error instanceof StatusError) return error;
  log.warn('node API request failed', { method: request.method, url: request.url, error });
  return failure(500, 'InternalError', errorText(error));
}

/** Answers with a JSON document. */
export function sendJson(response: ServerResponse, value: unknown, code = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
