/** What is known of one collection, kept from its watch: objects by key, indexes, and a stream of changes. */
import type { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import type { ApiObject } from '#api/client/collection.ts';
import { keyOf } from '#api/resources/meta.ts';
import { Index } from './lookup.ts';
import { isLater } from './version.ts';
import type { WatchEvent } from './watch.ts';

/** One object changed: `before` is absent when it came, `after` when it went. */
export interface Change<T> {
  readonly key: string;
  readonly before?: T;
  readonly after?: T;
}

/** Managed fields are about a third of an object, and no controller reads them; a PUT without them keeps them. */
function withoutManagedFields<T extends ApiObject>(object: T): T {
  delete object.metadata.managedFields;
  return object;
}

const versionOf = (object: ApiObject): string => object.metadata.resourceVersion ?? '';

/**
 * Takes the events of `watchCollection` and the replies to our own writes, whichever is later. Objects in it are
 * shared: they are read, never changed (copy before a write).
 */
export class Cache<T extends ApiObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #changes = new Subject<Change<T>>();
  /** The last version the stream told of: what a reply must pass to be news. */
  #seen = '';
  /** Keys that hold a reply which the stream has not told of yet. */
  readonly #ahead = new Set<string>();
  #synced = Promise.withResolvers<void>();
  #isSynced = false;

  /** Hot: changes from the moment of subscribing on, told synchronously, after the cache shows them. */
  readonly changes: Observable<Change<T>> = this.#changes.asObservable();

  /** Resolves when the collection was listed once. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  all(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Groups the objects by what `valuesOf` says of each (none, one or several values); once per name. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): this {
    if (this.#indexes.has(name)) return this;
    const index = new Index(valuesOf);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
    return this;
  }

  /** The objects with this value in the index, in the order in which they came. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`read index ${name}: the cache has no such index`);
    return index.keys(value).flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** How many objects have this value in the index, without looking at them. */
  countByIndex(name: string, value: string): number {
    return this.#indexes.get(name)?.count(value) ?? 0;
  }

  /** Takes an event of the watch. */
  apply(event: WatchEvent<T>): void {
    if (event.type === 'replaced') this.#replace(event.objects, event.version);
    else this.#applyOne(event.type, event.object);
  }

  #applyOne(type: 'applied' | 'deleted', object: T): void {
    const key = keyOf(object);
    const version = versionOf(object);
    if (isLater(version, this.#seen)) this.#seen = version;
    const held = this.#objects.get(key);
    if (held !== undefined && isLater(versionOf(held), version)) return;
    this.#ahead.delete(key);
    if (type === 'deleted') this.#set(key, undefined);
    else if (held === undefined || versionOf(held) !== version) this.#set(key, object);
  }

  /**
   * Takes the server's reply to a write, so that the next plan already sees it. A reply that the stream has passed
   * is no news: the object may even be gone.
   */
  put(object: T): void {
    const version = versionOf(object);
    const key = keyOf(object);
    const held = this.#objects.get(key);
    if (!isLater(version, this.#seen)) return;
    if (held !== undefined && !isLater(version, versionOf(held))) return;
    this.#ahead.add(key);
    this.#set(key, object);
  }

  #replace(objects: readonly T[], version: string): void {
    // A store that went back in time (restored from a copy) makes all later replies void.
    if (isLater(this.#seen, version)) this.#ahead.clear();
    this.#seen = version;
    const gone = new Set(this.#objects.keys());
    for (const object of objects) {
      const key = keyOf(object);
      gone.delete(key);
      const held = this.#objects.get(key);
      if (held !== undefined && this.#isAhead(key, held, version)) continue;
      if (held === undefined || versionOf(held) !== versionOf(object)) this.#set(key, object);
    }
    for (const key of gone) {
      const held = this.#objects.get(key);
      if (held !== undefined && !this.#isAhead(key, held, version)) this.#set(key, undefined);
    }
    this.#isSynced = true;
    this.#synced.resolve();
  }

  #isAhead(key: string, held: T, version: string): boolean {
    return this.#ahead.has(key) && isLater(versionOf(held), version);
  }

  #set(key: string, object: T | undefined): void {
    const before = this.#objects.get(key);
    const after = object === undefined ? undefined : withoutManagedFields(object);
    if (before === undefined && after === undefined) return;
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    for (const index of this.#indexes.values()) {
      if (before !== undefined) index.remove(key, before);
      if (after !== undefined) index.add(key, after);
    }
    this.#changes.next({
      key,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    });
  }
}
