/** One HTTP request and the way to answer it, the same for HTTP/2 and HTTP/1.1. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export type ReplyHeaders = Record<string, string | number | readonly string[]>;

export interface Exchange {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: TLSSocket;
  /** The request's body. */
  readonly body: Readable;
  /** The answer's body, to be written to after `respond`. */
  readonly out: Writable;
  respond(status: number, headers: ReplyHeaders): void;
  /** Whether the client is gone or the answer is complete. */
  readonly closed: boolean;
  /** Cuts the answer off: the client sees that it is not whole. */
  abort(): void;
}

export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: TLSSocket;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, socket: TLSSocket) {
    this.#stream = stream;
    this.method = String(headers[':method']);
    this.url = String(headers[':path']);
    this.headers = headers;
    this.socket = socket;
  }

  get body(): Readable {
    return this.#stream;
  }

  get out(): Writable {
    return this.#stream;
  }

  get closed(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  respond(status: number, headers: ReplyHeaders): void {
    if (this.closed || this.#stream.headersSent) return;
    this.#stream.respond({ ':status': status, ...headers } as never);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  readonly out: ServerResponse;
  readonly socket: TLSSocket;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? 'GET';
    this.url = request.url ?? '/';
    this.headers = request.headers;
    this.body = request;
    this.out = response;
    this.socket = request.socket as TLSSocket;
  }

  get closed(): boolean {
    return this.out.destroyed || this.out.writableEnded;
  }

  respond(status: number, headers: ReplyHeaders): void {
    if (this.closed || this.out.headersSent) return;
    this.out.writeHead(status, headers as never);
    // Watches and logs must show that they were accepted before their first byte.
    if (headers['content-length'] === undefined) this.out.flushHeaders();
  }

  abort(): void {
    this.out.destroy();
  }
}
