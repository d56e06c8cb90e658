/**
 * The port: TLS with client certificates, HTTP/2 streams and HTTP/1.1 requests as `Exchange`s, upgrades as raw sockets.
 *
 * The TLS server is our own and hands each connection to the protocol it has agreed on: HTTP/1.1 behind
 * `http2.createSecureServer` goes through the slower compatibility layer, which then wraps every HTTP/2 stream too.
 */
import type { IncomingMessage } from 'node:http';
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type Exchange, Http1Exchange, Http2Exchange } from './exchange.ts';
import { createServer as createHttpServer } from './http1.ts';

export interface ListenOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly onExchange: (exchange: Exchange) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting, lets running exchanges end, cuts off what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** An informer of every kind on one connection is some hundred streams. */
const maxConcurrentStreams = 2000;
/** Uploads of images must not wait for window updates. */
const windowBytes = 1024 * 1024;
/**
 * In megabytes. Beyond Node's 10 it would reset new streams while large lists are on their way; watches bound what
 * piles up by themselves.
 */
const maxSessionMemory = 512;
const handshakeTimeoutMs = 10_000;

/** Resolves when connections are accepted. Rejects if the address cannot be had. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { address, port, ca, cert, key, onExchange, onUpgrade } = options;
  const sessions = new Set<ServerHttp2Session>();
  /** All connections, those that are still shaking hands too. */
  const connections = new Set<Socket>();
  const http1 = createHttpServer({ keepAliveTimeout: 60_000, requestTimeout: 0 });
  http1.on('request', (request, response) => onExchange(new Http1Exchange(request, response)));
  http1.on('upgrade', onUpgrade);
  const tls = createTlsServer({
    ca,
    cert,
    key,
    requestCert: true,
    // Who has no certificate of ours is told so with a 401, not with a broken handshake.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
  });
  tls.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  tls.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol === 'h2') {
      serveHttp2(socket, sessions, onExchange);
      return;
    }
    // A tunnel's client may be done sending and still be reading.
    socket.allowHalfOpen = true;
    http1.emit('connection', socket);
  });
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    tls.once('error', reject);
    tls.listen(port, address, () => {
      tls.off('error', reject);
      resolve({
        port: (tls.address() as AddressInfo).port,
        close: (graceMs) => close(graceMs),
      });
    });
  });

  async function close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => tls.close(() => resolve()));
    for (const session of sessions) session.close();
    http1.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const connection of connections) connection.destroy();
    }, graceMs);
    await closed;
    clearTimeout(cut);
  }
}

function serveHttp2(
  socket: TLSSocket,
  sessions: Set<ServerHttp2Session>,
  onExchange: (exchange: Exchange) => void,
): void {
  const session = performServerHandshake(socket, {
    maxSessionMemory,
    settings: { maxConcurrentStreams, initialWindowSize: windowBytes },
  });
  session.setLocalWindowSize(4 * windowBytes);
  sessions.add(session);
  session.on('error', () => session.destroy());
  session.once('close', () => sessions.delete(session));
  session.on('stream', (stream, headers) => {
    stream.on('error', () => undefined); // The client went away; `close` follows.
    onExchange(new Http2Exchange(stream, headers, socket));
  });
}
