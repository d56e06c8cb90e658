/** The API server: the port, the cache behind it, and what it sees to by itself. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { MutableKinds } from '../schema/kinds.ts';
import type { Storage } from '../storage/storage.ts';
import { WatchCache } from '../storage/watch-cache.ts';
import { makeNamespaces } from './bootstrap.ts';
import { compactRegularly } from './compaction.ts';
import { Definitions } from './definitions.ts';
import { handle } from './handler.ts';
import { type Listener, listen } from './listener.ts';
import type { Log } from './log.ts';
import { ServerState } from './state.ts';

export interface ServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** The directory of `ca.crt`, `api-server.crt`, `api-server.key` and `api-server-client.{crt,key}`. */
  readonly pki: string;
  readonly kinds: MutableKinds;
  readonly log?: Log;
  /** How long a node may take to answer a proxied request. */
  readonly nodeProxyTimeoutMs?: number;
  readonly now?: () => Date;
}

/** How long running requests may take to end when the server stops. */
const graceMs = 3000;
const prefix = '/registry/';

export class ApiServer {
  readonly #state: ServerState;
  readonly #options: ServerOptions;
  #listener: Listener | undefined;
  #definitions: Definitions | undefined;
  #compaction: { stop(): void } | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#state = new ServerState(options.kinds, options.log);
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Accepts connections; requests on resources get 503 until `fill` is done. Rejects if the port is taken. */
  async listen(): Promise<void> {
    const { address, port, pki, nodeProxyTimeoutMs = 30_000 } = this.#options;
    const pair = async (name: string) => {
      const read = (end: string) => readFile(join(pki, `${name}.${end}`), 'utf8');
      const [cert, key] = await Promise.all([read('crt'), read('key')]);
      return { cert, key };
    };
    const [ca, own, towardsNodes] = await Promise.all([
      readFile(join(pki, 'ca.crt'), 'utf8'),
      pair('api-server'),
      pair('api-server-client'),
    ]);
    this.#state.forwarding = { identity: { ca, ...towardsNodes }, timeoutMs: nodeProxyTimeoutMs };
    this.#listener = await listen({
      address,
      port,
      ca,
      ...own,
      onExchange: (exchange) => void handle(this.#state, exchange),
      onUpgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
    });
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { serveUpgrade } = await import('./streams/streams.ts');
    await serveUpgrade(this.#state, request, socket, head);
  }

  /** Reads the store, serves from then on, and makes what must be there. Rejects as the storage does. */
  async fill(storage: Storage): Promise<void> {
    const { kinds, now = () => new Date() } = this.#options;
    this.#state.storage = storage;
    const cache = await WatchCache.start(storage, {
      prefix,
      onUnreadable: (key, error) =>
        this.#state.log('error', 'unreadable value', { key, error: String(error) }),
    });
    const context = { kinds, cache, storage, now };
    this.#definitions = new Definitions(context, kinds, this.#state.log);
    this.#definitions.start();
    this.#state.context = context;
    await makeNamespaces(context);
    this.#state.ready = true;
    this.#compaction = compactRegularly(context, this.#state.log);
  }

  /** Ends watches, lets requests end, closes the port and the cache; the storage stays open. */
  async close(): Promise<void> {
    this.#state.stopping = true;
    this.#state.watchers.endAll();
    await this.#listener?.close(graceMs);
    this.#compaction?.stop();
    this.#definitions?.stop();
    this.#state.context?.cache.close();
  }
}
