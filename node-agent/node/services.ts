/** The cluster's Services, for the variables that containers find in their environment. */
import type { Service } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';

/** A container does not wait longer than this for the first list: its variables are a convenience. */
const patienceMs = 2_000;

export class Services {
  readonly #known: Cache<Service>;
  readonly #synced = Promise.withResolvers<void>();

  /** `known`: filled by who made it. */
  constructor(known: Cache<Service>) {
    this.#known = known;
    void known.synced().then(this.#synced.resolve);
    setTimeout(this.#synced.resolve, patienceMs).unref();
  }

  /** Those of the namespace, and `default/kubernetes`. */
  async of(namespace: string): Promise<readonly Service[]> {
    await this.#synced.promise;
    const own = [...this.#known.all()].filter(({ metadata }) => metadata.namespace === namespace);
    const api = namespace === 'default' ? undefined : this.#known.get('default/kubernetes');
    return api === undefined ? own : [...own, api];
  }
}
