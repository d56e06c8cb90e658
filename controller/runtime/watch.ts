/**
 * A collection followed for ever: list, watch, recover. Recovery is a change of state, not nested retries: a broken
 * stream resumes from the last version seen, an expired version (410) lists again.
 */
import { Observable } from 'rxjs/internal/Observable';
import type { Subscriber } from 'rxjs/internal/Subscriber';
import { Subscription } from 'rxjs/internal/Subscription';
import type { ApiEvent, ApiObject, Collection, WatchOptions } from '#api/client/collection.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import { StatusError } from '#api/resources/status.ts';
import { type Backoff, backoffMs, connectBackoff, watchBackoff } from './backoff.ts';
import { type Clock, sleep, systemClock } from './clock.ts';

export type WatchEvent<T> =
  | {
      /** Everything there is: it takes the place of all that was said before. */
      readonly type: 'replaced';
      readonly objects: readonly T[];
      /** The list's resourceVersion. */
      readonly version: string;
    }
  | { readonly type: 'applied' | 'deleted'; readonly object: T };

/** What is followed; absent: all of it. */
export interface Following {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Ask for `PartialObjectMetadata`: metadata alone. */
  readonly metadataOnly?: boolean;
}

export interface FollowOptions {
  readonly listOptions?: Following;
  readonly backoff?: Backoff;
  /** Told of every failure and how long the next try waits; for the log. */
  readonly onProblem?: (error: unknown, retryMs: number) => void;
  readonly clock?: Clock;
}

/**
 * Lists, then watches. Guarantees: the first event is `replaced`; it never errors and never completes by itself;
 * after any break it goes on without a gap, or with a new `replaced`. Unsubscribing ends the request under way.
 *
 * Failures back off (0.8 s doubling to 30 s; a server that cannot be reached from 20 ms on), until the first event. A
 * stream that ends without an event counts as a failure: the next try comes no sooner after the last than the back-off.
 */
export function watchCollection<T extends ApiObject>(
  collection: Collection<T>,
  options: FollowOptions = {},
): Observable<WatchEvent<T>> {
  return new Observable((subscriber) => {
    const abort = new AbortController();
    void new Follower(collection, options, subscriber, abort.signal).run();
    return () => abort.abort();
  });
}

/**
 * No connection at all: our client's own 503, which has a `cause` (undefined if the socket just closed). Or the kind is
 * not served: its definition is being installed beside us.
 */
const isUnreachable = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.code === 404 || (error.code === 503 && Object.hasOwn(error, 'cause')));

const isExpired = (error: unknown): boolean => error instanceof StatusError && error.code === 410;

class Follower<T extends ApiObject> {
  readonly #collection: Collection<T>;
  readonly #options: FollowOptions;
  readonly #clock: Clock;
  readonly #out: Subscriber<WatchEvent<T>>;
  readonly #signal: AbortSignal;
  /** Where the next watch begins; undefined: list first. */
  #version: string | undefined;
  #failures = 0;
  #unreachable = 0;
  /** 410 in a row: the first lists at once, more are failures. */
  #expired = 0;

  constructor(
    collection: Collection<T>,
    options: FollowOptions,
    out: Subscriber<WatchEvent<T>>,
    signal: AbortSignal,
  ) {
    this.#collection = collection;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#out = out;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      const startedAt = this.#clock.now();
      try {
        if (this.#version === undefined) await this.#list();
        else if (!(await this.#watch(this.#version))) await this.#fail(startedAt, undefined);
      } catch (error) {
        await this.#recover(startedAt, error);
      }
    }
  }

  async #recover(startedAt: number, error: unknown): Promise<void> {
    if (!isExpired(error)) return this.#fail(startedAt, error);
    this.#version = undefined;
    this.#expired += 1;
    if (this.#expired > 1) await this.#fail(startedAt, error);
  }

  #healthy(): void {
    this.#failures = 0;
    this.#unreachable = 0;
    this.#expired = 0;
  }

  async #list(): Promise<void> {
    const list = await this.#collection.list({
      ...this.#options.listOptions,
      signal: this.#signal,
    });
    if (this.#signal.aborted) return;
    this.#version = list.resourceVersion;
    this.#unreachable = 0;
    const objects = list.items.map((object) => this.#named(object));
    this.#out.next({ type: 'replaced', objects, version: list.resourceVersion });
  }

  /** Resolves when the stream ends: whether it brought an event. Rejects with the stream's error. */
  #watch(resourceVersion: string): Promise<boolean> {
    const options: WatchOptions = {
      ...this.#options.listOptions,
      resourceVersion,
      bookmarks: true,
    };
    const stream = this.#collection.watch(options);
    return new Promise((resolve, reject) => {
      let heard = false;
      const watching = new Subscription();
      const stop = () => {
        watching.unsubscribe();
        resolve(heard);
      };
      this.#signal.addEventListener('abort', stop);
      watching.add(() => this.#signal.removeEventListener('abort', stop));
      const next = (event: ApiEvent<T>) => {
        heard = true;
        this.#healthy();
        this.#pass(event);
      };
      const error = (problem: unknown) => {
        watching.unsubscribe();
        reject(problem);
      };
      watching.add(stream.subscribe({ next, error, complete: stop }));
    });
  }

  #pass(event: ApiEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      this.#version = event.resourceVersion;
      return;
    }
    const object = this.#named(event.object);
    this.#out.next({ type: event.type === 'DELETED' ? 'deleted' : 'applied', object });
    this.#version = object.metadata.resourceVersion ?? this.#version;
  }

  /** Items of a list come without `apiVersion` and `kind`. */
  #named(object: T): T {
    if (this.#options.listOptions?.metadataOnly || object.kind === undefined) {
      object.apiVersion = apiVersionOf(this.#collection.type);
      object.kind = this.#collection.type.kind;
    }
    return object;
  }

  async #fail(startedAt: number, error: unknown): Promise<void> {
    if (this.#signal.aborted) return;
    const waited = this.#clock.now() - startedAt;
    if (waited > (this.#options.backoff ?? watchBackoff).maxMs) this.#healthy();
    const retryMs = Math.max(0, this.#delayMs(error) - waited);
    if (error !== undefined) this.#options.onProblem?.(error, retryMs);
    await sleep(this.#clock, retryMs, this.#signal);
  }

  #delayMs(error: unknown): number {
    if (isUnreachable(error)) {
      this.#unreachable += 1;
      return backoffMs(connectBackoff, this.#unreachable, this.#clock.random());
    }
    this.#failures += 1;
    const backoff = this.#options.backoff ?? watchBackoff;
    return backoffMs(backoff, this.#failures, this.#clock.random());
  }
}
