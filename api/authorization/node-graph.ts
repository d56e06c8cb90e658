/** Which objects the pods of a node need: followed in the watch cache, looked through when a node asks. */
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { CacheEvent } from '../storage/cache-event.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { podReferences } from './pod-references.ts';

const prefix = '/registry/pods/';

/** The node a pod is bound to; `''` for none. */
export const nodeOf = (pod: KubeObject): string => stringOr(objectOr(pod['spec'])['nodeName']);

export class NodeGraph {
  readonly #cache: WatchCache;
  readonly #unfollow: () => void;
  readonly #podsOf = new Map<string, Set<string>>();
  readonly #nodeOf = new Map<string, string>();

  constructor(cache: WatchCache) {
    this.#cache = cache;
    this.#unfollow = cache.watch(prefix, cache.revision, (events) => {
      for (const event of events) this.#apply(event);
    });
    for (const entry of cache.list(prefix).entries) this.#add(entry.key, entry.peek(nodeOf));
  }

  close(): void {
    this.#unfollow();
  }

  /** Whether some pod of the node names the object: `secrets`, `configmaps`, `persistentvolumeclaims` … */
  needs(node: string, resource: string, namespace: string, name: string): boolean {
    const wanted = `${resource}/${name}`;
    return this.#some(node, namespace, (references) => references.objects.has(wanted));
  }

  /** Whether some pod of the node runs as the account. */
  runsAs(node: string, namespace: string, account: string): boolean {
    return this.#some(node, namespace, ({ serviceAccount }) => serviceAccount === account);
  }

  /** Whether some pod of the node has a claim that the volume is bound to. */
  mounts(node: string, volume: string): boolean {
    const object = this.#cache.get(`/registry/persistentvolumes/${volume}`)?.object();
    const claim = objectOr(objectOr(object?.['spec'])['claimRef']);
    const [namespace, name] = [stringOr(claim['namespace']), stringOr(claim['name'])];
    return this.needs(node, 'persistentvolumeclaims', namespace, name);
  }

  /** Whether the pod is bound to the node. */
  runs(node: string, namespace: string, pod: string): boolean {
    return this.#podsOf.get(node)?.has(`${prefix}${namespace}/${pod}`) === true;
  }

  #some(
    node: string,
    namespace: string,
    is: (references: ReturnType<typeof podReferences>) => boolean,
  ): boolean {
    for (const key of this.#podsOf.get(node) ?? []) {
      if (!key.startsWith(`${prefix}${namespace}/`)) continue;
      const entry = this.#cache.get(key);
      if (entry !== undefined && is(entry.memo(podReferences, podReferences))) return true;
    }
    return false;
  }

  #apply({ type, key, entry }: CacheEvent): void {
    const node = type === 'DELETED' ? '' : entry.peek(nodeOf);
    if (this.#nodeOf.get(key) === node) return;
    this.#remove(key);
    this.#add(key, node);
  }

  #add(key: string, node: string): void {
    if (node === '') return;
    this.#nodeOf.set(key, node);
    const pods = this.#podsOf.get(node);
    if (pods === undefined) this.#podsOf.set(node, new Set([key]));
    else pods.add(key);
  }

  #remove(key: string): void {
    const node = this.#nodeOf.get(key);
    if (node === undefined) return;
    this.#nodeOf.delete(key);
    const pods = this.#podsOf.get(node);
    pods?.delete(key);
    if (pods?.size === 0) this.#podsOf.delete(node);
  }
}
