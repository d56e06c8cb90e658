/** The cluster's Services, followed for the variables that containers find in their environment. */
import type { Subscription } from 'rxjs/internal/Subscription';
import type { Collection } from '#api/client/collection.ts';
import { keyOf } from '#api/resources/meta.ts';
import type { Service } from '#api/resources/types.ts';
import { watchCollection } from '#controller/runtime/watch.ts';

/** A container does not wait longer than this for the first list: its variables are a convenience. */
const patienceMs = 2_000;

export class Services {
  readonly #known = new Map<string, Service>();
  readonly #synced = Promise.withResolvers<void>();
  readonly #watch: Subscription;

  constructor(collection: Collection<Service>) {
    this.#watch = watchCollection(collection).subscribe((event) => {
      if (event.type === 'replaced') {
        this.#known.clear();
        for (const service of event.objects) this.#known.set(keyOf(service), service);
        this.#synced.resolve();
      } else if (event.type === 'applied') this.#known.set(keyOf(event.object), event.object);
      else this.#known.delete(keyOf(event.object));
    });
    setTimeout(this.#synced.resolve, patienceMs).unref();
  }

  /** Those of the namespace, and `default/kubernetes`. */
  async of(namespace: string): Promise<readonly Service[]> {
    await this.#synced.promise;
    return [...this.#known].flatMap(([key, service]) =>
      service.metadata.namespace === namespace || key === 'default/kubernetes' ? [service] : [],
    );
  }

  close(): void {
    this.#watch.unsubscribe();
  }
}
