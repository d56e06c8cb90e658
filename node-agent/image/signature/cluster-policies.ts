/** The cluster's ImagePolicies, followed for whoever pulls. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { Collection } from '#api/client/collection.ts';
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import { StatusError } from '#api/resources/status.ts';
import { watchCollection } from '#controller/runtime/watch.ts';
import { ImageError } from '../images.ts';

const PATIENCE_MS = 20_000;

export class ClusterPolicies {
  readonly #known = new Map<string, ImagePolicy>();
  readonly #synced = Promise.withResolvers<void>();
  readonly #watch: Subscription;
  #isSynced = false;
  #list: readonly ImagePolicy[] = [];

  constructor(collection: Collection<ImagePolicy>) {
    const onProblem = (error: unknown) => {
      // The kind is not served (yet): then there can be none.
      if (error instanceof StatusError && error.code === 404) this.#ready();
    };
    this.#watch = watchCollection(collection, { onProblem }).subscribe((event) => {
      if (event.type === 'replaced') {
        this.#known.clear();
        for (const policy of event.objects) this.#known.set(policy.metadata.name, policy);
        this.#ready();
      } else if (event.type === 'applied')
        this.#known.set(event.object.metadata.name, event.object);
      else this.#known.delete(event.object.metadata.name);
      this.#list = [...this.#known.values()];
    });
  }

  /**
   * Waits until they are known: an image must not slip in before its policy.
   * @throws ImageError `Untrusted` when that takes too long
   */
  async all(): Promise<readonly ImagePolicy[]> {
    if (!this.#isSynced) await Promise.race([this.#synced.promise, this.#tooLate()]);
    return this.#list;
  }

  async #tooLate(): Promise<never> {
    await sleep(PATIENCE_MS, undefined, { ref: false });
    const why = `the API server has not told them within ${PATIENCE_MS / 1000} s`;
    throw new ImageError('Untrusted', `read the cluster's ImagePolicies: ${why}; try again`);
  }

  #ready(): void {
    this.#isSynced = true;
    this.#synced.resolve();
  }

  close(): void {
    this.#watch.unsubscribe();
  }
}
