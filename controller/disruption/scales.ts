/** How many replicas the controllers of pods are to have. */
import type { Client } from '#api/client/collection.ts';
import { controllerOf, type OwnerReference } from '#api/resources/meta.ts';
import {
  deployments,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { discover } from '#controller/runtime/discovery.ts';
import type { World } from '#controller/runtime/world.ts';

interface Scaled {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly uid?: string };
  readonly spec?: { readonly replicas?: number };
}

const types = [deployments, replicaSets, replicationControllers, statefulSets];

export class Scales {
  readonly #client: Client;
  readonly #caches: ReadonlyMap<string, Cache<Scaled & ReplicaSet>>;

  constructor(world: World) {
    this.#client = world.client;
    this.#caches = new Map(
      types.map((type) => [type.kind, world.cache<Scaled & ReplicaSet>(type)]),
    );
  }

  get caches(): Cache<Scaled & ReplicaSet>[] {
    return [...this.#caches.values()];
  }

  /** Together, each controller once; or why that cannot be said. Pods without a controller are not counted. */
  async of(
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<number | { readonly problem: string }> {
    const owners = new Map<string, OwnerReference>();
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (owner !== undefined) owners.set(owner.uid, owner);
    }
    const namespace = pods[0]?.metadata.namespace ?? '';
    const counts = new Map<string, number>();
    for (const owner of owners.values()) {
      const found = await this.#replicas(namespace, owner, signal);
      if (typeof found === 'string') return { problem: found };
      if (found !== undefined) counts.set(found.uid, found.replicas);
    }
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Undefined: the controller is gone, and its pods will be. */
  async #replicas(namespace: string, owner: OwnerReference, signal: AbortSignal) {
    const cache = this.#caches.get(owner.kind);
    const known = owner.apiVersion === 'v1' || owner.apiVersion.startsWith('apps/');
    if (cache === undefined || !known) return this.#asked(namespace, owner, signal);
    const object = cache.get(`${namespace}/${owner.name}`);
    if (object?.metadata.uid !== owner.uid) return undefined;
    const above = object.kind === 'ReplicaSet' ? controllerOf(object) : undefined;
    const deployment =
      above?.kind === 'Deployment'
        ? this.#caches.get('Deployment')?.get(`${namespace}/${above.name}`)
        : undefined;
    const scaled = deployment?.metadata.uid === above?.uid ? (deployment ?? object) : object;
    return { uid: scaled.metadata.uid ?? '', replicas: scaled.spec?.replicas ?? 1 };
  }

  /** Of any kind that has a scale. */
  async #asked(namespace: string, owner: OwnerReference, signal: AbortSignal) {
    const { apiVersion, kind, name, uid } = owner;
    const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
    const all = await discover(this.#client, signal);
    const type = all.find((one) => one.group === group && one.kind === kind);
    if (type === undefined) return `found no controllers for pods of ${kind} ${name}`;
    const base = group === '' ? `/api/${type.version}` : `/apis/${group}/${type.version}`;
    const path = `${base}/namespaces/${namespace}/${type.plural}/${name}/scale`;
    try {
      const scale = (await this.#client.request('GET', path, undefined, signal)) as Scaled;
      return { uid, replicas: scale.spec?.replicas ?? 0 };
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'MethodNotAllowed')) throw error;
      const resource = group === '' ? type.plural : `${type.plural}.${group}`;
      return `${resource} does not implement the scale subresource`;
    }
  }
}
