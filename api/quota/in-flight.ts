/** Writes for which room was had and whose objects are not in the cache yet: whoever counts must count them too. */
import type { KubeObject } from '#api/resources/meta.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import type { Amounts } from './amounts.ts';

export interface Flight {
  readonly key: string;
  /** The revision that the write replaces; `undefined`: none. */
  readonly before: number | undefined;
  readonly object: KubeObject;
  /** What it uses more than before. */
  readonly more: Amounts;
}

export class InFlight {
  readonly #byNamespace = new Map<string, Set<Flight>>();

  add(namespace: string, flight: Flight): void {
    const all = this.#byNamespace.get(namespace) ?? new Set();
    this.#byNamespace.set(namespace, all.add(flight));
  }

  remove(namespace: string, flight: Flight): void {
    const all = this.#byNamespace.get(namespace);
    all?.delete(flight);
    if (all?.size === 0) this.#byNamespace.delete(namespace);
  }

  /** Those whose outcome the cache does not show. */
  of(namespace: string, cache: WatchCache): Flight[] {
    return [...(this.#byNamespace.get(namespace) ?? [])].filter(
      ({ key, before }) => cache.get(key)?.revision === before,
    );
  }
}
