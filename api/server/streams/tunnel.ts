/**
 * Connections that leave HTTP (WebSocket, SPDY): after the backend has agreed, two sockets piped into each other,
 * their bytes unread.
 *
 * The backend's refusal is passed on and the connection closed: were it left open, the client could send the
 * backend requests that nobody has authorized.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { StatusError } from '#api/resources/status.ts';
import { request as httpRequest, STATUS_CODES } from '../http1.ts';
import { type Backend, connectOptions } from './backend.ts';
import { type Forwarding, passedHeaders, unreachable } from './forward.ts';

const lines = (status: number, headers: readonly string[]): string =>
  [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...headers, '', ''].join('\r\n');

function rawHeaders({ rawHeaders: raw }: IncomingMessage): string[] {
  const headers: string[] = [];
  for (let at = 0; at < raw.length; at += 2) headers.push(`${raw[at]}: ${raw[at + 1]}`);
  return headers;
}

/** Answers an upgrade with a Status and closes. */
export function refuseUpgrade(socket: Duplex, error: StatusError): void {
  const body = JSON.stringify(error.status);
  const headers = [
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${lines(error.code, headers)}${body}`);
}

function join(client: Duplex, backend: Duplex): void {
  const end = () => {
    client.destroy();
    backend.destroy();
  };
  // A half close of one side is passed on by `pipe`; only a broken or closed one ends both.
  for (const socket of [client, backend]) socket.on('error', end).on('close', end);
  client.pipe(backend).pipe(client);
}

/** Carries the upgrade to the backend; resolves with the code of its answer. Rejects with 503, nothing answered. */
export function tunnel(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  backend: Backend,
  { identity, timeoutMs }: Forwarding,
): Promise<number> {
  const options = {
    ...connectOptions(backend, identity, false),
    method: request.method,
    headers: {
      ...passedHeaders(request.headers),
      Connection: 'Upgrade',
      Upgrade: request.headers.upgrade ?? '',
    },
  };
  return new Promise((resolve, reject) => {
    const secure = backend.protocol === 'https:';
    const outgoing = secure ? httpsRequest(options) : httpRequest({ ...options, agent: false });
    const late = setTimeout(() => {
      outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`));
    }, timeoutMs);
    const gone = () => outgoing.destroy();
    socket.once('close', gone);
    outgoing.once('upgrade', (response, upstream, first) => {
      clearTimeout(late);
      socket.off('close', gone);
      socket.write(lines(101, rawHeaders(response)));
      if (first.length > 0) socket.write(first);
      if (head.length > 0) upstream.write(head);
      join(socket, upstream);
      resolve(101);
    });
    outgoing.once('response', (response) => {
      clearTimeout(late);
      const code = response.statusCode ?? 502;
      const kept = rawHeaders(response).filter(
        (line) => !/^(connection|transfer-encoding):/i.test(line),
      );
      socket.write(lines(code, [...kept, 'Connection: close']));
      response.pipe(socket);
      resolve(code);
    });
    outgoing.once('error', (error) => {
      clearTimeout(late);
      reject(unreachable(backend, error));
    });
    outgoing.end();
  });
}
