/**
 * One HTTP/2 TLS session to the API server, opened when first needed and again after it was lost. All requests and
 * watches run on it side by side. Nothing is retried.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { failure, type Status, StatusError } from '#api/resources/status.ts';
import { type Credentials, loginHeaders, tlsOptions } from './credentials.ts';

export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | Readable;
  readonly signal?: AbortSignal | undefined;
}

export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it comes; destroying it ends the request. */
  readonly stream: Readable;
}

export interface WholeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A lost machine sends no FIN: without an answer to a ping for this long the session is given up. */
const pingMs = 30_000;
/** A watch of many objects must not wait for window updates. */
const windowBytes = 4 * 1024 * 1024;
/** Node's limit of 10 MB for all streams together would reset some of many concurrent ones. */
const maxSessionMemory = 512;

export class Session {
  readonly credentials: Credentials;
  readonly #userAgent: string;
  #session: ClientHttp2Session | undefined;
  #open = 0;
  #closed = false;

  /** `userAgent`: what the server calls this client, and the owner of the fields it writes. */
  constructor(credentials: Credentials, userAgent = 'bayplan') {
    this.credentials = credentials;
    this.#userAgent = userAgent;
  }

  /**
   * Resolves when the head of the answer is there, whatever its status. Rejects with 503 `ServiceUnavailable` if the
   * connection fails, and with the signal's reason if it is aborted.
   */
  send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    return this.#start(method, path, options, (stream, resolve) => {
      stream.once('response', (headers) => {
        // Node throws away what nobody has begun to read when a stream closes: somebody must begin at once.
        const body = new PassThrough();
        pipeline(stream, body, () => undefined);
        resolve({ status: Number(headers[':status']), headers, stream: body });
      });
    });
  }

  /** The same with the whole body. An answer that breaks off is a failed connection, too. */
  exchange(method: string, path: string, options: RequestOptions = {}): Promise<WholeResponse> {
    return this.#start(method, path, options, (stream, resolve) => {
      let head: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.once('response', (headers) => {
        head = headers;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        const body = joined(chunks);
        const expected = head['content-length'];
        const cut = expected !== undefined && Number(expected) !== body.length;
        if (head[':status'] === undefined || cut) return;
        resolve({ status: Number(head[':status']), headers: head, body });
      });
    });
  }

  /** Opens a stream that `receive` listens to; its end before anything was resolved is the failure. */
  #start<T>(
    method: string,
    path: string,
    { headers = {}, body, signal: asked }: RequestOptions,
    receive: (stream: ClientHttp2Stream, resolve: (value: T) => void) => void,
  ): Promise<T> {
    const { signal, done } = this.#limited(`${method} ${path}`, asked);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const named = { ':method': method, ':path': path, 'user-agent': this.#userAgent };
      const login = loginHeaders(this.credentials);
      const stream = this.#stream({ ...named, ...login, ...headers }, body);
      // A stream whose session does not come about never closes by itself.
      const abort = () =>
        stream.pending ? stream.destroy() : stream.close(constants.NGHTTP2_CANCEL);
      signal?.addEventListener('abort', abort, { once: true });
      let problem: unknown;
      stream.on('error', (error) => {
        problem = error;
      });
      let resolved = false;
      receive(stream, (value) => {
        resolved = true;
        resolve(value);
      });
      stream.once('close', () => {
        signal?.removeEventListener('abort', abort);
        done();
        this.#released();
        if (resolved) return;
        reject(signal?.aborted ? signal.reason : this.#unavailable(method, path, problem));
      });
      if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) stream.end(body);
      else body.on('error', (error) => stream.destroy(error)).pipe(stream);
    });
  }

  /** The signal, or the end of the time that an answer may take. `done` when the answer is there. */
  #limited(what: string, signal: AbortSignal | undefined) {
    const { timeoutMs, server } = this.credentials;
    if (timeoutMs === undefined) return { signal, done: () => undefined };
    const late = new AbortController();
    const why = `${what}: no answer of ${server} within ${timeoutMs} ms`;
    const timer = setTimeout(() => late.abort(failure(504, 'Timeout', why)), timeoutMs);
    return {
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      done: () => clearTimeout(timer),
    };
  }

  close(): void {
    this.#closed = true;
    this.#session?.destroy();
  }

  #stream(headers: OutgoingHttpHeaders, body: RequestOptions['body']): ClientHttp2Stream {
    const session = this.#connected();
    this.#open += 1;
    session.ref();
    return session.request(headers, { endStream: body === undefined });
  }

  /** A program may end while the session idles. */
  #released(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#session?.unref();
  }

  #connected(): ClientHttp2Session {
    if (this.#closed) throw failure(503, 'ServiceUnavailable', 'the client was closed');
    const held = this.#session;
    if (held !== undefined && !held.closed && !held.destroyed) return held;
    const session = connect(this.credentials.server, {
      ...tlsOptions(this.credentials),
      maxSessionMemory,
      settings: { initialWindowSize: windowBytes, enablePush: false },
    });
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    session.on('error', () => undefined); // Each stream reports it by itself.
    const watchdog = setInterval(() => this.#ping(session), pingMs).unref();
    session.once('close', () => clearInterval(watchdog));
    this.#session = session;
    return session;
  }

  #ping(session: ClientHttp2Session): void {
    if (this.#open === 0 || session.destroyed) return;
    const late = setTimeout(() => session.destroy(new Error('no answer to a ping')), pingMs / 3);
    const sent = session.ping(() => clearTimeout(late));
    if (!sent) clearTimeout(late);
    late.unref();
  }

  #unavailable(method: string, path: string, cause: unknown): StatusError {
    const url = `${this.credentials.server}${path}`;
    const root = rootOf(cause);
    const why = root instanceof Error ? root.message : 'the connection was closed';
    const error = failure(503, 'ServiceUnavailable', `${method} ${url}: ${why}`);
    return new StatusError(error.status, { cause: root });
  }
}

/** Node says that the stream was cancelled because the connection failed, and that several addresses failed. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError) return rootOf(error.errors[0]);
  const cancelled =
    (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_HTTP2_STREAM_CANCEL';
  return cancelled && error instanceof Error && error.cause !== undefined
    ? rootOf(error.cause)
    : error;
}

/** The whole body as a buffer. */
export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return joined(chunks);
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** The failure that an answer's body tells, or one made of its code if the body is no Status. */
export function statusError(code: number, body: string): StatusError {
  try {
    const status = JSON.parse(body) as Status;
    if (status.kind === 'Status') return new StatusError({ ...status, code });
  } catch {
    // Not JSON: a proxy's page, or the text of a health check.
  }
  return failure(code, code === 404 ? 'NotFound' : 'Unknown', body.trim() || `HTTP ${code}`);
}
