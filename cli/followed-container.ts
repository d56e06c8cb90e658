/** One Container as it becomes, by a watch: who waits for something is told at once, and nobody asks again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import type { Client } from '#api/client/collection.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import { type Container, containersOf } from './container.ts';

/** A watch that has ended is begun anew after so long. */
const againMs = 50;

interface Waiting {
  readonly holds: (container: Container) => boolean;
  readonly resolve: (found: Container | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Patience {
  readonly limitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class FollowedContainer {
  readonly #client: Client;
  readonly #waiting = new Set<Waiting>();
  #last: Container;
  #isGone = false;
  #isClosed = false;
  #watch: Subscription | undefined;
  /** What the server said last when it did not tell. */
  #refusal = 'not yet';
  /** Why nothing will be told any more. */
  #failure: { readonly error: unknown } | undefined;

  /** `container`: as just read or written. */
  constructor(client: Client, container: Container) {
    this.#client = client;
    this.#last = container;
    this.#follow();
  }

  /** As last seen. */
  get last(): Container {
    return this.#last;
  }

  /**
   * Resolves with the first state that `holds`, beginning with the present one; undefined once the container is removed.
   * Rejects after `limitMs`, when `signal` aborts, and when the server cannot be asked for another reason than a refusal.
   */
  async until(
    holds: Waiting['holds'],
    { limitMs, signal }: Patience = {},
  ): Promise<Container | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isGone) return undefined;
    if (holds(this.#last)) return this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<Container | undefined>();
    const one = { holds, resolve, reject };
    this.#waiting.add(one);
    const { name } = this.#last.metadata;
    const end = (why: string) => reject(new Error(`wait for container ${name}: ${why}`));
    const late = () => end(`${this.#refusal} after ${(limitMs ?? 0) / 1000} s`);
    const givenUp = () => end(`given up: ${signal?.reason}`);
    const timer = limitMs === undefined ? undefined : setTimeout(late, limitMs);
    if (signal?.aborted === true) givenUp();
    signal?.addEventListener('abort', givenUp);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', givenUp);
      this.#waiting.delete(one);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.unsubscribe();
  }

  #follow(): void {
    const { name, namespace = 'default', resourceVersion = '' } = this.#last.metadata;
    const fieldSelector = `metadata.name=${name}`;
    const events = containersOf(this.#client).watch({ namespace, fieldSelector, resourceVersion });
    const again = () => void this.#resume();
    this.#watch = events.subscribe({
      next: (event) => {
        if (event.type !== 'BOOKMARK') this.#seen(event.object, event.type === 'DELETED');
      },
      error: again,
      complete: again,
    });
  }

  /** The server went away, or does not know our version any more: where are we? */
  async #resume(): Promise<void> {
    await sleep(againMs);
    if (this.#isClosed || this.#isGone) return;
    const { name, namespace = 'default' } = this.#last.metadata;
    try {
      this.#seen(await containersOf(this.#client).get({ name, namespace }), false);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return this.#seen(this.#last, true);
      if (error instanceof StatusError) {
        this.#refusal = error.message;
        return this.#resume();
      }
      this.#failure = { error };
      for (const { reject } of this.#waiting) reject(error);
      return;
    }
    if (!this.#isClosed) this.#follow();
  }

  /** Another of the same name means that ours is gone. */
  #seen(container: Container, isRemoved: boolean): void {
    this.#isGone ||= isRemoved || container.metadata.uid !== this.#last.metadata.uid;
    if (!this.#isGone) this.#last = container;
    this.#refusal = 'not yet';
    for (const { holds, resolve } of this.#waiting) {
      if (this.#isGone) resolve(undefined);
      else if (holds(container)) resolve(container);
    }
  }
}
