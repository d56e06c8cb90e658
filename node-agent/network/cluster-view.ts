/** What the network of a node follows of the cluster: one cache a kind, filled from the API. */
import { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject, Client } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import * as types from '#api/resources/resource-types.ts';
import type { EndpointSlice, Node, Pod, Service } from '#api/resources/types.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { type Following, watchCollection } from '#controller/runtime/watch.ts';

/** The label that says which Service a slice belongs to. */
const serviceLabel = 'kubernetes.io/service-name';

/** The key of the Service that a slice belongs to, if any. */
export function serviceKeysOf({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[serviceLabel];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}

/** By namespace, and by the addresses at which the cluster reaches them. */
export const indexServices = (cache: Cache<Service>): Cache<Service> =>
  cache
    .addIndex('namespace', ({ metadata }) => [metadata.namespace ?? ''])
    .addIndex('address', ({ spec }) => (spec?.clusterIPs ?? []).filter((ip) => ip !== 'None'));

/** By their Service, and by their endpoints' addresses. */
export const indexSlices = (cache: Cache<EndpointSlice>): Cache<EndpointSlice> =>
  cache
    .addIndex('service', serviceKeysOf)
    .addIndex('address', ({ endpoints }) => [
      ...new Set((endpoints ?? []).flatMap(({ addresses }) => addresses)),
    ]);

export class ClusterView {
  readonly services: Cache<Service>;
  readonly slices: Cache<EndpointSlice>;
  /** Of this node alone. */
  readonly pods: Cache<Pod>;
  readonly nodes: Cache<Node>;
  readonly #client: Client;
  readonly #watches = new Subscription();

  constructor(client: Client, nodeName: string) {
    this.#client = client;
    this.services = indexServices(this.follow<Service>(types.services));
    this.slices = indexSlices(this.follow<EndpointSlice>(types.endpointSlices));
    this.pods = this.follow<Pod>(types.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    this.nodes = this.follow<Node>(types.nodes);
  }

  /** One more cache; it fills from now on, until `close`. */
  follow<T extends ApiObject>(type: ResourceType, listOptions: Following = {}): Cache<T> {
    const cache = new Cache<T>();
    const events = watchCollection(this.#client.collection<T>(type), { listOptions });
    this.#watches.add(events.subscribe((event) => cache.apply(event)));
    return cache;
  }

  close(): void {
    this.#watches.unsubscribe();
  }
}
