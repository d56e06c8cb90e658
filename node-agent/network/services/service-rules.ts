/** Keeps the node's table what Services, their endpoints and the pods' host ports say. */
import { isDeepStrictEqual } from 'node:util';
import { Subscription } from 'rxjs/internal/Subscription';
import { keyOf } from '#api/resources/meta.ts';
import type { EndpointSlice, Node, Service } from '#api/resources/types.ts';
import { type ClusterView, serviceKeysOf } from '../cluster-view.ts';
import type { ElementTable } from './element-table.ts';
import { type EndedFlows, endFlows, endUnledFlows } from './flows.ts';
import { HealthChecks } from './health-checks.ts';
import { hostPortShare } from './host-ports.ts';
import type { NodePlace } from './near.ts';
import { emptyShare, type Share, serviceShare } from './service-plan.ts';
import { Shares } from './shares.ts';

export interface ServiceRulesOptions {
  readonly view: Pick<ClusterView, 'services' | 'slices' | 'pods' | 'nodes'>;
  readonly table: ElementTable;
  readonly nodeName: string;
  /** Services that the node itself answers, by key: where. */
  readonly answered?: ReadonlyMap<string, { readonly ip: string; readonly port: number }>;
  readonly log: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** How often is looked whether others have changed the ruleset. */
const verifyMs = 5_000;
const retryMs = { first: 500, longest: 30_000 };

export class ServiceRules {
  readonly #options: ServiceRulesOptions;
  readonly #shares: Shares;
  readonly #changes = new Subscription();
  /** Owners whose share may be another: `service namespace/name`, `pod namespace/name`. */
  readonly #dirty = new Set<string>();
  readonly #first = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #isSynced = false;
  #wake = Promise.withResolvers<void>();
  #ended: EndedFlows[] = [];
  #newPorts = new Set<number>();
  readonly #health: HealthChecks;
  /** The table is what the cluster says, as far as we know. */
  #isHealthy = false;
  #place: NodePlace;

  constructor(options: ServiceRulesOptions) {
    this.#options = options;
    this.#shares = new Shares(options.table);
    this.#health = new HealthChecks({ isHealthy: () => this.#isHealthy, log: options.log });
    this.#place = placeOf(options.nodeName, undefined);
  }

  /** Starts following. What an earlier life of the agent put there stays until the cluster was read. */
  start(): void {
    const { services, slices, pods, nodes } = this.#options.view;
    this.#changes.add(services.changes.subscribe(({ key }) => this.#touch(`service ${key}`)));
    this.#changes.add(
      slices.changes.subscribe(({ before, after }) => {
        for (const slice of [before, after])
          for (const key of slice === undefined ? [] : serviceKeysOf(slice))
            this.#touch(`service ${key}`);
      }),
    );
    this.#changes.add(pods.changes.subscribe(({ key }) => this.#touch(`pod ${key}`)));
    this.#changes.add(
      nodes.changes.subscribe(({ key }) => {
        if (key === this.#options.nodeName) this.#moved();
      }),
    );
    const synced = [services, slices, pods, nodes].map((cache) => cache.synced());
    void Promise.all(synced).then(() => {
      this.#moved();
      for (const key of services.keys()) this.#dirty.add(`service ${key}`);
      for (const key of pods.keys()) this.#dirty.add(`pod ${key}`);
      this.#isSynced = true;
      this.#wake.resolve();
    });
    void this.#run();
  }

  /** Resolves when the table was what the cluster says for the first time. */
  ready(): Promise<void> {
    return this.#first.promise;
  }

  close(): void {
    this.#abort.abort();
    this.#changes.unsubscribe();
    this.#health.close();
    this.#wake.resolve();
  }

  #touch(owner: string): void {
    this.#dirty.add(owner);
    if (this.#isSynced) this.#wake.resolve();
  }

  /** Another zone or address of the node: any Service may be led elsewhere. */
  #moved(): void {
    const { view, nodeName } = this.#options;
    const place = placeOf(nodeName, view.nodes.get(nodeName));
    if (isDeepStrictEqual(place, this.#place)) return;
    this.#place = place;
    for (const key of view.services.keys()) this.#touch(`service ${key}`);
  }

  async #run(): Promise<void> {
    const { log, table } = this.#options;
    let backoffMs: number = retryMs.first;
    let isFirst = true;
    while (!this.#abort.signal.aborted) {
      await this.#woken(verifyMs);
      if (this.#abort.signal.aborted) return;
      try {
        if (this.#isSynced) await this.#pass(isFirst);
        if (this.#isSynced) isFirst = false;
        if (await table.verify())
          log.warn('the nftables table was changed by others; put right', {});
        backoffMs = retryMs.first;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log.warn('services do not lead where they should', { why, retryMs: backoffMs });
        isFirst = true;
        this.#isHealthy = false;
        await this.#pause(backoffMs);
        backoffMs = Math.min(backoffMs * 2, retryMs.longest);
      }
    }
  }

  async #pass(isFirst: boolean): Promise<void> {
    const { table } = this.#options;
    for (const owner of this.#dirty) this.#put(owner);
    this.#dirty.clear();
    if (isFirst) table.disown();
    await table.flush();
    const [ended, ports] = [this.#ended, this.#newPorts];
    this.#ended = [];
    this.#newPorts = new Set();
    await Promise.all([endFlows(ended), endUnledFlows(ports)]);
    this.#isHealthy = true;
    if (isFirst) this.#first.resolve();
  }

  #put(owner: string): void {
    const share = this.#shareOf(owner);
    for (const port of share.nodePorts.keys()) {
      const [protocol, number = ''] = port.split(' ');
      const isNew = this.#options.table.wanted('nodeports', port) === undefined;
      if (protocol === 'udp' && isNew) this.#newPorts.add(Number(number));
    }
    this.#ended.push(...this.#shares.put(owner, share));
    this.#health.put(owner, share.health);
  }

  #shareOf(owner: string): Share {
    const { view, answered } = this.#options;
    const [kind = '', key = ''] = owner.split(' ');
    if (kind === 'pod') {
      const pod = view.pods.get(key);
      return pod === undefined ? emptyShare : hostPortShare(pod);
    }
    const service = view.services.get(key);
    if (service === undefined) return emptyShare;
    // One with a selector has pods of its own to answer it.
    const own = service.spec?.selector === undefined ? answered?.get(keyOf(service)) : undefined;
    const slices = view.slices.byIndex('service', key);
    const led = own === undefined ? slices : [ownSlice(service, own)];
    return serviceShare(service, led, this.#place);
  }

  /** Something is to be done, or so much time has passed. */
  async #woken(ms: number): Promise<void> {
    const timer = setTimeout(this.#wake.resolve, ms).unref();
    await this.#wake.promise;
    clearTimeout(timer);
    this.#wake = Promise.withResolvers();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, ms).unref();
    });
  }
}

/** What a Service asks of the node: its name, zone and addresses. */
const placeOf = (nodeName: string, node: Node | undefined): NodePlace => ({
  nodeName,
  zone: node?.metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
  addresses: (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address),
});

/** The slice of a Service that this node answers by itself. */
function ownSlice(service: Service, place: { ip: string; port: number }): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: service.metadata,
    addressType: 'IPv4',
    endpoints: [{ addresses: [place.ip] }],
    ports: (service.spec?.ports ?? []).map(({ name, protocol }) => ({
      ...(name === undefined ? {} : { name }),
      ...(protocol === undefined ? {} : { protocol }),
      port: place.port,
    })),
  };
}
