/** What all controllers of one process share: the API, one cache a resource type, time, the log, events. */
import { Observable } from 'rxjs/internal/Observable';
import { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject, Client, Collection } from '#api/client/collection.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import { Cache } from './cache.ts';
import { type Clock, systemClock } from './clock.ts';
import { EventRecorder } from './events.ts';
import { type Log, logRun, silent } from './log.ts';
import type { Reconciled } from './reconcile.ts';
import { type Following, watchCollection } from './watch.ts';

export interface WorldOptions {
  readonly clock?: Clock;
  readonly log?: Log;
}

const nameOf = (type: ResourceType): string => `${apiVersionOf(type)}/${type.plural}`;

/** One controller: subscribing starts it, unsubscribing stops it. */
export interface Controller {
  readonly name: string;
  run(world: World): Observable<Reconciled<unknown>>;
}

export class World {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly #caches = new Map<string, Cache<ApiObject>>();
  readonly #watches = new Subscription();

  constructor(client: Client, { clock = systemClock, log = silent }: WorldOptions = {}) {
    this.client = client;
    this.clock = clock;
    this.log = log;
    this.events = new EventRecorder(client, 'bayplan-controller', { clock, log });
  }

  collection<T extends ApiObject>(type: ResourceType): Collection<T> {
    return this.client.collection<T>(type);
  }

  /**
   * The one cache of the type. Its watch starts with the first call; whoever subscribes to `changes` in the same turn
   * of the event loop misses none.
   */
  cache<T extends ApiObject>(type: ResourceType): Cache<T> {
    const name = nameOf(type);
    let cache = this.#caches.get(name);
    if (cache === undefined) {
      cache = new Cache();
      this.#caches.set(name, cache);
      this.#follow(type, cache, {});
    }
    return cache as unknown as Cache<T>;
  }

  /** The cache that `cache` gave out before, if it did: no watch is started. */
  shared(type: ResourceType): Cache<ApiObject> | undefined {
    return this.#caches.get(nameOf(type));
  }

  /** A cache of its own, of a part of the type or of metadata alone; fills from now on. */
  follow<T extends ApiObject>(type: ResourceType, following: Following): Cache<T> {
    const cache = new Cache<T>();
    this.#follow(type, cache as unknown as Cache<ApiObject>, following);
    return cache;
  }

  /** Ends all watches and forgets events that were not sent. */
  close(): void {
    this.#watches.unsubscribe();
    this.events.close();
  }

  #follow(type: ResourceType, cache: Cache<ApiObject>, listOptions: Following): void {
    const { clock, log } = this;
    const onProblem = (error: unknown, retryMs: number) =>
      log.debug('watch failed', { resource: type.plural, retryMs: Math.round(retryMs), error });
    const options = { clock, onProblem, listOptions };
    const events = watchCollection(this.client.collection(type), options);
    this.#watches.add(events.subscribe((event) => cache.apply(event)));
  }
}

/** Runs all controllers over one world; a line in the log for each run. Unsubscribing stops them and ends all watches. */
export function runControllers(
  client: Client,
  controllers: readonly Controller[],
  options: WorldOptions = {},
): Observable<Reconciled<unknown>> {
  return new Observable((subscriber) => {
    const world = new World(client, options);
    const running = new Subscription(() => world.close());
    for (const controller of controllers) {
      running.add(
        controller.run(world).subscribe({
          next: (run) => {
            logRun(world.log, controller.name, run);
            subscriber.next(run);
          },
          error: (error) => subscriber.error(error),
        }),
      );
    }
    return running;
  });
}
