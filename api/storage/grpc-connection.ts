/**
 * One living HTTP/2 connection to one of several endpoints. It is made when first asked for; when it breaks, the next
 * caller gets a new one, from the next endpoint that answers.
 */
import http2, { type ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';

export interface TlsMaterial {
  /** PEM. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface ConnectionOptions {
  /** `unix:/abs/path`, `http://host:port` or `https://host:port`, tried in turn. */
  readonly endpoints: readonly string[];
  readonly tls?: TlsMaterial;
  /** How long one endpoint may take to answer the connection. */
  readonly connectTimeoutMs?: number;
  /** A connection without an answer to a ping for `keepaliveTimeoutMs` is given up; one every `keepaliveMs`. */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
}

/** kube-apiserver's values towards etcd: keepalive 30 s and 10 s. */
const defaults = { connectTimeoutMs: 3000, keepaliveMs: 30_000, keepaliveTimeoutMs: 10_000 };

const backoff = { firstMs: 10, maxMs: 1000, factor: 1.5 };
/** Room for large ranges and watch bursts: the default of 64 KiB would cost a round trip each. */
const streamWindow = 4 * 2 ** 20;
const connectionWindow = 16 * 2 ** 20;
/** Node's limit on what one session may hold, in MB; the default of 10 breaks concurrent large ranges. */
const sessionMemoryMb = 1024;

export class Connection {
  readonly #options: Required<Omit<ConnectionOptions, 'tls'>> & { readonly tls: TlsMaterial };
  #session: ClientHttp2Session | undefined;
  #connecting: Promise<ClientHttp2Session> | undefined;
  #endpoint = 0;
  #failures = 0;
  #lastFailure: unknown;
  #closed = false;

  constructor({ endpoints, tls: material = {}, ...rest }: ConnectionOptions) {
    this.#options = { ...defaults, ...rest, endpoints, tls: material };
  }

  /** The living session, if there is one. */
  get current(): ClientHttp2Session | undefined {
    return usable(this.#session) ? this.#session : undefined;
  }

  /** The living session, or a new one once an endpoint answers: it tries until `signal` is aborted. */
  async session(signal: AbortSignal): Promise<ClientHttp2Session> {
    for (;;) {
      if (usable(this.#session)) return this.#session;
      signal.throwIfAborted();
      if (this.#closed) throw new Error('the connection was closed');
      this.#connecting ??= this.#connectAny().finally(() => {
        this.#connecting = undefined;
      });
      try {
        return await orAbort(this.#connecting, signal);
      } catch {
        signal.throwIfAborted();
      }
    }
  }

  /** Why the last round through the endpoints failed. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Asks a session that left a call unanswered for a sign of life; without one it is given up. */
  suspect(session: ClientHttp2Session): void {
    if (!usable(session)) return;
    if (session === this.#session) this.#session = undefined;
    ping(session, Math.min(2000, this.#options.keepaliveTimeoutMs));
  }

  close(): void {
    this.#closed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** One round through the endpoints, after a pause if the last rounds failed. */
  async #connectAny(): Promise<ClientHttp2Session> {
    if (this.#failures > 0) await pause(this.#pauseMs());
    const { endpoints } = this.#options;
    for (let tried = 0; tried < endpoints.length && !this.#closed; tried++) {
      const endpoint = endpoints[this.#endpoint] ?? '';
      try {
        const session = await this.#connect(endpoint);
        this.#failures = 0;
        return session;
      } catch (error) {
        this.#lastFailure = error;
        this.#endpoint = (this.#endpoint + 1) % endpoints.length;
      }
    }
    this.#failures++;
    throw this.#lastFailure ?? new Error('the connection was closed');
  }

  #pauseMs(): number {
    return Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** (this.#failures - 1));
  }

  #connect(endpoint: string): Promise<ClientHttp2Session> {
    const { connectTimeoutMs } = this.#options;
    const session = open(endpoint, this.#options.tls);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        session.destroy(new Error(`${endpoint} did not answer within ${connectTimeoutMs} ms`));
      }, connectTimeoutMs);
      session.once('remoteSettings', () => {
        clearTimeout(timer);
        if (this.#closed) session.destroy();
        this.#adopt(session);
        resolve(session);
      });
      session.on('error', reject);
      session.once('close', () => {
        clearTimeout(timer);
        reject(new Error(`${endpoint} closed the connection`));
      });
    });
  }

  #adopt(session: ClientHttp2Session): void {
    this.#session = session;
    session.setLocalWindowSize(connectionWindow);
    const { keepaliveMs, keepaliveTimeoutMs } = this.#options;
    const timer = setInterval(() => ping(session, keepaliveTimeoutMs), keepaliveMs).unref();
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    // The peer is going: calls under way may end, new ones get a new connection.
    session.once('goaway', forget);
    session.once('close', () => {
      clearInterval(timer);
      forget();
    });
  }
}

function open(endpoint: string, material: TlsMaterial): ClientHttp2Session {
  const socket = openSocket(endpoint, material);
  // After a TLS alert (a refused client certificate) Node's session neither errs nor closes while its socket stands.
  socket.on('error', (error) => socket.destroy(error));
  return http2.connect(endpoint.startsWith('https:') ? endpoint : 'http://localhost', {
    settings: { enablePush: false, initialWindowSize: streamWindow },
    maxSessionMemory: sessionMemoryMb,
    createConnection: () => socket,
  });
}

function openSocket(endpoint: string, material: TlsMaterial): net.Socket {
  if (endpoint.startsWith('unix:')) return net.connect(endpoint.slice('unix:'.length));
  const { protocol, hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return net.connect({ host, port: Number(port || 80) });
  // An address is not a server name (RFC 6066), but is checked against the certificate all the same.
  const servername = net.isIP(host) === 0 ? host : '';
  const options = { host, port: Number(port || 443), servername, ALPNProtocols: ['h2'] };
  return tls.connect({ ...options, ...material });
}

function usable(session: ClientHttp2Session | undefined): session is ClientHttp2Session {
  return session !== undefined && !session.closed && !session.destroyed;
}

function ping(session: ClientHttp2Session, timeoutMs: number): void {
  if (!usable(session)) return;
  const timer = setTimeout(() => {
    session.destroy(new Error(`no answer to a ping within ${timeoutMs} ms`));
  }, timeoutMs);
  session.ping((error) => {
    clearTimeout(timer);
    if (error !== null && usable(session)) session.destroy(error);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
