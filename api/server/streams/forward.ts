/** Requests that are passed on: bodies both ways as they come, of any length. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { failure, StatusError } from '#api/resources/status.ts';
import type { Exchange, ReplyHeaders } from '../exchange.ts';
import { request as httpRequest } from '../http1.ts';
import { type Backend, connectOptions, type NodeIdentity } from './backend.ts';

export interface Forwarding {
  readonly identity: NodeIdentity;
  /** How long the backend may take to accept the connection, and an upgrade. */
  readonly timeoutMs: number;
}

/** Headers that speak of one connection, or that are for this server alone. */
const ownHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
  'trailer',
  'host',
  'authorization',
]);
const isOwn = (name: string): boolean =>
  name.startsWith(':') || name.startsWith('impersonate-') || ownHeaders.has(name);

/** What is passed on of a message's headers. */
export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isOwn(name)) continue;
    passed[name] = value;
  }
  return passed;
}

/** 503 with the node's or pod's name, as clients can make something of it. */
export function unreachable(
  { protocol, host, port, nodeName }: Backend,
  cause: Error,
): StatusError {
  const who = nodeName === undefined ? 'the pod' : `the node ${nodeName}`;
  const message = `error dialing backend: ${who} at ${protocol}//${host}:${port}: ${cause.message}`;
  return new StatusError(failure(503, 'ServiceUnavailable', message).status, { cause });
}

/** One keep-alive agent: logs of many containers of a node share its handshakes. */
const agent = new Agent({ keepAlive: true, timeout: 60_000 });

/** Sends the exchange's request to the backend; resolves with the head of its answer. Rejects with 503. */
export function forward(
  exchange: Exchange,
  backend: Backend,
  { identity, timeoutMs }: Forwarding,
): Promise<IncomingMessage> {
  const secure = backend.protocol === 'https:';
  const options = {
    ...connectOptions(backend, identity, secure ? agent : false),
    method: exchange.method,
    headers: passedHeaders(exchange.headers),
  };
  return new Promise((resolve, reject) => {
    const outgoing = secure ? httpsRequest(options) : httpRequest({ ...options, agent: false });
    const late = setTimeout(() => {
      outgoing.destroy(new Error(`no connection in ${timeoutMs} ms`));
    }, timeoutMs);
    // Once connected it may take its time: unpacking an image takes as long as it takes.
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) clearTimeout(late);
      else socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(late));
    });
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => {
      clearTimeout(late);
      reject(unreachable(backend, error));
    });
    exchange.out.once('close', () => outgoing.destroy());
    exchange.body.pipe(outgoing);
  });
}

/** Sends the backend's answer on as it comes. */
export function passOn(
  exchange: Exchange,
  response: IncomingMessage,
  common: ReplyHeaders,
): number {
  const code = response.statusCode ?? 502;
  exchange.respond(code, { ...passedHeaders(response.headers), ...common });
  pipeline(response, exchange.out, () => undefined);
  return code;
}
