/**
 * ConfigMaps or Secrets that pods of this node use: each is watched by itself, from the first pod that needs it until
 * some time after the last, so that the node sees (and may see) nothing else.
 */
import type { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import type { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject, Collection } from '#api/client/collection.ts';
import { keyOf, splitKey } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { type Following, type WatchEvent, watchCollection } from '#controller/runtime/watch.ts';

export interface ObjectSourceOptions {
  /**
   * How long an object without users is watched on: the next pod is likely to need the same, and need not wait for it.
   * Default: not at all.
   */
  readonly lingerMs?: number;
}

interface Entry<T> {
  users: number;
  /** Ends the watch, while there are no users. */
  ending?: NodeJS.Timeout;
  object: T | undefined;
  isSynced: boolean;
  readonly subscription: Subscription;
  readonly synced: Promise<void>;
}

export class ObjectSource<T extends ApiObject> {
  readonly #collection: Collection<T>;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #changes = new Subject<string>();
  readonly #lingerMs: number;

  constructor(collection: Collection<T>, { lingerMs = 0 }: ObjectSourceOptions = {}) {
    this.#collection = collection;
    this.#lingerMs = lingerMs;
  }

  /** Keys (`namespace/name`) of watched objects that appeared, changed or went. */
  get changes(): Observable<string> {
    return this.#changes;
  }

  /** Begins to watch; each call needs its `release`. */
  acquire(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, this.#follow(key));
      return;
    }
    clearTimeout(entry.ending);
    entry.users += 1;
  }

  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    if (this.#lingerMs === 0) this.#end(key, entry);
    else entry.ending = setTimeout(() => this.#end(key, entry), this.#lingerMs).unref();
  }

  #end(key: string, entry: Entry<T>): void {
    clearTimeout(entry.ending);
    entry.subscription.unsubscribe();
    this.#entries.delete(key);
  }

  /** The watched object as last seen, waiting for the first sight of it. */
  async watched(key: string): Promise<T | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.read(key);
    await entry.synced;
    return entry.object;
  }

  /** The object as the API has it now; undefined when it has none. */
  async read(key: string, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.#collection.get(splitKey(key), signal);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  close(): void {
    for (const [key, entry] of this.#entries) this.#end(key, entry);
  }

  #follow(key: string): Entry<T> {
    const synced = Promise.withResolvers<void>();
    // Without users the node may not be allowed to look any more, and what is held grows old.
    const onProblem = () => {
      const entry = this.#entries.get(key);
      if (entry?.users === 0) this.#end(key, entry);
    };
    const listOptions = only(key);
    const subscription = watchCollection(this.#collection, { listOptions, onProblem }).subscribe(
      (event) => {
        const entry = this.#entries.get(key);
        if (entry === undefined) return;
        const before = entry.object;
        entry.object = after(event, key);
        const isFirst = !entry.isSynced;
        entry.isSynced = true;
        synced.resolve();
        // Whoever acquired it waits for the first sight: that is no change.
        if (isFirst) return;
        if (before?.metadata.resourceVersion !== entry.object?.metadata.resourceVersion) {
          this.#changes.next(key);
        }
      },
    );
    return { users: 1, object: undefined, isSynced: false, subscription, synced: synced.promise };
  }
}

function after<T extends ApiObject>(event: WatchEvent<T>, key: string): T | undefined {
  if (event.type === 'replaced') return event.objects.find((object) => keyOf(object) === key);
  return event.type === 'applied' ? event.object : undefined;
}

function only(key: string): Following {
  const { namespace, name } = splitKey(key);
  return {
    ...(namespace === undefined ? {} : { namespace }),
    fieldSelector: `metadata.name=${name}`,
  };
}
