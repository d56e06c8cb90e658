/** The API server: the port, the cache behind it, and what it sees to by itself. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { ClusterReservations } from '../allocation/cluster-reservations.ts';
import { Repair } from '../allocation/repair.ts';
import { ServiceAccountTokens } from '../authentication/service-account-tokens.ts';
import { readTokenKeys } from '../authentication/token-keys.ts';
import { ClusterAuthorizer } from '../authorization/authorizer.ts';
import { bootstrapPolicy } from '../authorization/bootstrap/policy.ts';
import { NodeGraph } from '../authorization/node-graph.ts';
import { policyOf, policyPrefixes } from '../authorization/policy.ts';
import { Rbac } from '../authorization/rbac.ts';
import type { MutableKinds } from '../schema/kinds.ts';
import { startCompactor } from '../storage/compactor.ts';
import type { Storage } from '../storage/storage.ts';
import { WatchCache } from '../storage/watch-cache.ts';
import type { Sampler } from '../usage/sampler.ts';
import type { NodeUsage } from '../usage/usage.ts';
import type { ApiContext } from '../verbs/request.ts';
import type { BodyLimits } from './body.ts';
import { ensurePolicy } from './bootstrap-roles.ts';
import { Definitions } from './definitions.ts';
import { furnish } from './furniture.ts';
import { handle } from './handler.ts';
import { type Listener, type ListenOptions, listen } from './listener.ts';
import type { Log } from './log.ts';
import { ServerState } from './state.ts';
import { optionalAdmission } from './write-guards.ts';

export interface ServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** The directory of `ca.crt`, `api-server.crt`, `api-server.key`, `api-server-client.{crt,key}`, `service-account.{key,pub}`. */
  readonly pki: string;
  readonly kinds: MutableKinds;
  readonly log?: Log;
  /** How long a node may take to answer a proxied request. */
  readonly nodeProxyTimeoutMs?: number;
  readonly now?: () => Date;
  /** How long a request's body may take. */
  readonly bodyLimits?: BodyLimits;
  /** How often the store's history is forgotten; absent: every five minutes. */
  readonly compactionIntervalMs?: number;
  /** Admission plug-ins to do without, by Kubernetes' names. */
  readonly disableAdmission?: readonly string[];
  /** Plug-ins to have that are off by themselves. Unknown ones are an error. */
  readonly enableAdmission?: readonly string[];
  /** The range of cluster addresses that a new cluster starts with. */
  readonly serviceCidr?: string;
  /** Addresses to listen at beside `address`. */
  readonly moreAddresses?: readonly string[];
  /** Where pods reach this server; absent: `address`. */
  readonly advertiseAddress?: string;
}

/** How long running requests may take to end when the server stops. */
const graceMs = 3000;
const prefix = '/registry/';
/** kubeadm's default. */
const defaultServiceCidr = '10.96.0.0/12';

export class ApiServer {
  readonly #state: ServerState;
  readonly #options: ServerOptions;
  #listener: Listener | undefined;
  #moreListeners: readonly Listener[] = [];
  #definitions: Definitions | undefined;
  #access: ClusterAuthorizer | undefined;
  #stopCompacting: (() => void) | undefined;
  #sampler: Sampler | undefined;
  #upkeep: readonly { stop(): void }[] = [];

  /** Throws for an admission plug-in that there is not. */
  constructor(options: ServerOptions) {
    const unknown = options.enableAdmission?.find((name) => !optionalAdmission.includes(name));
    if (unknown !== undefined) {
      const known = optionalAdmission.join(', ');
      throw new Error(`enableAdmission: there is no plug-in ${unknown} to switch on, but ${known}`);
    }
    this.#options = options;
    this.#state = new ServerState(options.kinds, options.log, options.bodyLimits);
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Accepts connections; requests on resources get 503 until `fill` is done. Rejects if the port is taken. */
  async listen(): Promise<void> {
    const { address, port, pki, nodeProxyTimeoutMs = 30_000 } = this.#options;
    const read = (file: string) => readFile(join(pki, file), 'utf8');
    const pair = async (name: string) => {
      const [cert, key] = await Promise.all([read(`${name}.crt`), read(`${name}.key`)]);
      return { cert, key };
    };
    const [ca, own, towardsNodes, tokenKey, tokenKeys] = await Promise.all([
      read('ca.crt'),
      pair('api-server'),
      pair('api-server-client'),
      read('service-account.key'),
      read('service-account.pub'),
    ]);
    this.#state.tokenKeys = readTokenKeys(tokenKey, tokenKeys);
    this.#state.forwarding = { identity: { ca, ...towardsNodes }, timeoutMs: nodeProxyTimeoutMs };
    const { moreAddresses = [] } = this.#options;
    const options = {
      ca,
      ...own,
      // With the authority: who joins knows it by its digest and looks for it here.
      cert: `${own.cert}${ca}`,
      onExchange: (exchange) => void handle(this.#state, exchange),
      onUpgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
    } satisfies Omit<ListenOptions, 'address' | 'port'>;
    this.#listener = await listen({ ...options, address, port });
    const same = { ...options, port: this.#listener.port };
    this.#moreListeners = await Promise.all(
      moreAddresses.map((more) => listen({ ...same, address: more })),
    );
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { serveUpgrade } = await import('./streams/streams.ts');
    await serveUpgrade(this.#state, request, socket, head);
  }

  /** Reads the store, serves from then on, and makes what must be there. Rejects as the storage does. */
  async fill(storage: Storage): Promise<void> {
    const { kinds, now = () => new Date(), compactionIntervalMs } = this.#options;
    this.#state.storage = storage;
    const cache = await WatchCache.start(storage, {
      prefix,
      onUnreadable: (key, error) =>
        this.#state.log('error', 'unreadable value', { key, error: String(error) }),
    });
    const context = this.#contextOf(storage, cache, now);
    this.#definitions = new Definitions(context, kinds, this.#state.log);
    this.#definitions.start();
    this.#state.context = context;
    await this.#furnish(context);
    this.#state.ready = true;
    await ensurePolicy(context);
    this.#access?.rbac.dropFallback();
    this.#stopCompacting = startCompactor(storage, {
      ...(compactionIntervalMs === undefined ? {} : { intervalMs: compactionIntervalMs }),
      onRound: (forgotten) => cache.forgetStates(forgotten),
      onError: (error) =>
        this.#state.log('warn', 'history not compacted', { error: String(error) }),
    });
  }

  async #furnish(context: ApiContext): Promise<void> {
    const { address, advertiseAddress = address, serviceCidr } = this.#options;
    const { port } = this;
    const range = serviceCidr ?? defaultServiceCidr;
    await furnish(context, { serviceCidr: range, address: advertiseAddress, port });
  }

  /** What the verbs work with. A store without any role is a new one: until they are made the usual ones hold. */
  #contextOf(storage: Storage, cache: WatchCache, now: () => Date): ApiContext {
    const { tokenKeys } = this.#state;
    assert(tokenKeys !== undefined, 'the server is filled after it listens');
    const isNew = cache.list(policyPrefixes[0], { limit: 1 }).entries.length === 0;
    const rbac = new Rbac(cache, isNew ? policyOf(bootstrapPolicy) : undefined);
    this.#access = new ClusterAuthorizer(rbac, new NodeGraph(cache));
    const place = { storage, cache, now, kinds: this.#options.kinds };
    const report = (message: string, fields: Record<string, unknown>) =>
      this.#state.log('warn', message, fields);
    const reservations = new ClusterReservations(place, report);
    reservations.start();
    const repair = new Repair(place, reservations, report).start();
    this.#upkeep = [reservations, repair];
    const accounts = new ServiceAccountTokens(tokenKeys, cache, now);
    return {
      kinds: this.#options.kinds,
      cache,
      storage,
      now,
      authorizer: this.#access,
      tokens: { accounts, cache, now },
      reservations,
      usage: () => this.#usage(cache),
      withoutAdmission: new Set(this.#options.disableAdmission),
      withAdmission: new Set(this.#options.enableAdmission),
    };
  }

  /** Loaded with the first question: most servers are never asked. */
  async #usage(cache: WatchCache): Promise<readonly NodeUsage[]> {
    if (this.#sampler === undefined) {
      const { forwarding } = this.#state;
      assert(forwarding !== undefined, 'nodes are reached before requests are served');
      const { Sampler } = await import('../usage/sampler.ts');
      const { nodeSample } = await import('./node-summary.ts');
      const names = () =>
        cache
          .list('/registry/minions/')
          .entries.map(({ key }) => key.slice(key.lastIndexOf('/') + 1));
      const take = (node: string) => nodeSample(cache, forwarding, node);
      this.#sampler ??= new Sampler({ nodes: names, take });
    }
    return this.#sampler.usage();
  }

  /** Ends watches, lets requests end, closes the port and the cache; the storage stays open. */
  async close(): Promise<void> {
    this.#state.stopping = true;
    this.#state.watchers.endAll();
    const listeners = [this.#listener, ...this.#moreListeners];
    await Promise.all(listeners.map((listener) => listener?.close(graceMs)));
    this.#stopCompacting?.();
    for (const one of this.#upkeep) one.stop();
    this.#definitions?.stop();
    this.#access?.rbac.close();
    this.#access?.graph.close();
    this.#state.context?.cache.close();
  }
}
