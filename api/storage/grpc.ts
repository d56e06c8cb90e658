/**
 * gRPC over `node:http2`, as much of it as talking to etcd takes: unary calls and streams, deadlines, no
 * compression. It never repeats a call by itself: only the caller knows whether that is safe.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Connection, type ConnectionOptions } from './grpc-connection.ts';
import { FrameReader } from './grpc-frames.ts';

/** The gRPC status codes we tell apart (google.golang.org/grpc/codes). */
export const codes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  outOfRange: 11,
  unavailable: 14,
} as const;

/** A call failed. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  /** The peer's status code; `unavailable` if the connection broke, `deadlineExceeded` if the time was up. */
  readonly code: number;
  /** Whether the peer may have seen the call. */
  readonly sent: boolean;
  constructor(code: number, message: string, sent: boolean, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.sent = sent;
  }
}

export interface StreamHandlers {
  readonly onMessage: (message: Buffer) => void;
  /** Called once, at the end: with the peer's failure or the broken connection; without one after a clean end. */
  readonly onEnd: (error: GrpcError | undefined) => void;
}

export interface GrpcStream {
  /** Sends a message with its frame header. */
  write(frame: Buffer): void;
  /** Ends the stream; no handler is called any more. */
  cancel(): void;
}

/** HTTP/2's CANCEL and REFUSED_STREAM (RFC 9113, section 7). */
const cancelCode = 8;
const refusedStreamCode = 7;

export class GrpcChannel {
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
  }

  /**
   * One call: a message with its frame header out, one message back. Waits for a connection; all within
   * `timeoutMs`. Rejects with `GrpcError`.
   */
  async unary(method: string, frame: Buffer, timeoutMs: number): Promise<Buffer> {
    const start = Date.now();
    const session =
      this.#connection.current ?? (await this.#session(method, AbortSignal.timeout(timeoutMs)));
    try {
      return await call(session, method, frame, Math.max(1, start + timeoutMs - Date.now()));
    } catch (error) {
      if (error instanceof GrpcError && error.code === codes.deadlineExceeded) {
        this.#connection.suspect(session);
      }
      throw error;
    }
  }

  /** A stream in both directions. Rejects with `GrpcError` if `signal` is aborted before there is a connection. */
  async stream(method: string, handlers: StreamHandlers, signal: AbortSignal): Promise<GrpcStream> {
    const session = await this.#session(method, signal);
    return openStream(session, method, handlers);
  }

  close(): void {
    this.#connection.close();
  }

  async #session(method: string, signal: AbortSignal): Promise<ClientHttp2Session> {
    try {
      return await this.#connection.session(signal);
    } catch (cause) {
      const closed = this.#connection.closed;
      const reason = `no endpoint answered: ${String(this.#connection.lastFailure ?? cause)}`;
      const message = `${method}: ${closed ? 'the client is closed' : reason}`;
      const code = closed ? codes.cancelled : codes.unavailable;
      throw new GrpcError(code, message, false, { cause });
    }
  }
}

function request(
  session: ClientHttp2Session,
  method: string,
  timeoutMs?: number,
): ClientHttp2Stream {
  try {
    return session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${Math.ceil(timeoutMs)}m` }),
    });
  } catch (cause) {
    const message = `${method}: the connection was lost before the call`;
    throw new GrpcError(codes.unavailable, message, false, { cause });
  }
}

function call(
  session: ClientHttp2Session,
  method: string,
  frame: Buffer,
  timeoutMs: number,
): Promise<Buffer> {
  const stream = request(session, method, timeoutMs);
  return new Promise((resolve, reject) => {
    let answer: Buffer | undefined;
    const timer = setTimeout(() => {
      const message = `${method}: no answer within ${Math.round(timeoutMs)} ms`;
      reject(new GrpcError(codes.deadlineExceeded, message, true));
      stream.close(cancelCode);
    }, timeoutMs);
    receive(stream, method, {
      onMessage: (message) => {
        answer = message;
      },
      onEnd: (error) => {
        clearTimeout(timer);
        if (error !== undefined) reject(error);
        else if (answer !== undefined) resolve(answer);
        else reject(new GrpcError(codes.unknown, `${method}: the answer holds no message`, true));
      },
    });
    stream.end(frame);
  });
}

function openStream(
  session: ClientHttp2Session,
  method: string,
  handlers: StreamHandlers,
): GrpcStream {
  const stream = request(session, method);
  let open = true;
  receive(stream, method, {
    onMessage: (message) => {
      if (open) handlers.onMessage(message);
    },
    onEnd: (error) => {
      if (open) handlers.onEnd(error);
      open = false;
    },
  });
  return {
    write: (frame) => void (open && stream.write(frame)),
    cancel: () => {
      open = false;
      stream.close(cancelCode);
    },
  };
}

/** Wires a stream's events. */
function receive(stream: ClientHttp2Stream, method: string, handlers: StreamHandlers): void {
  const frames = new FrameReader();
  let status: IncomingHttpHeaders | undefined;
  let failure: unknown;
  const note = (headers: IncomingHttpHeaders) => {
    if (headers['grpc-status'] !== undefined || (headers[':status'] ?? '200') !== '200') {
      status = headers;
    }
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('error', (error) => {
    failure = error;
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const message of frames.push(chunk)) handlers.onMessage(message);
    } catch (error) {
      failure = error;
      stream.close(cancelCode);
    }
  });
  stream.on('close', () => {
    if (status !== undefined) return handlers.onEnd(endOf(method, status, failure));
    const sent = stream.rstCode !== refusedStreamCode;
    const message = `${method}: the connection was lost`;
    handlers.onEnd(new GrpcError(codes.unavailable, message, sent, { cause: failure }));
  });
}

function endOf(method: string, status: IncomingHttpHeaders, cause: unknown): GrpcError | undefined {
  const code = status['grpc-status'];
  if (code === '0' && cause === undefined) return undefined;
  if (code === undefined) {
    const message = `${method}: the peer answered HTTP ${status[':status']}, not gRPC`;
    return new GrpcError(codes.unknown, message, true, { cause });
  }
  const text = String(status['grpc-message'] ?? '');
  return new GrpcError(Number(code), decodePercent(text), true, { cause });
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
