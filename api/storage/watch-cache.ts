/**
 * The API server's copy of the store, and the only reader of the store's watch. Reads and watches are served from
 * here; a write is answered when its own event has arrived here (`waitFor`), so a read that follows sees it.
 *
 * Every write under the prefix is an event, so the cache's revision is the store's.
 */
import type { Subscription } from 'rxjs';
import { BlockList } from './block-list.ts';
import { CacheEvent } from './cache-event.ts';
import type { Entry } from './entry.ts';
import { FanOut, type Listener } from './fan-out.ts';
import { type Contents, fill, readEntry, type Unreadable } from './fill.ts';
import { History, type HistoryLimits, historyLimits } from './history.ts';
import { endOfPrefix } from './key-range.ts';
import {
  type Held,
  type Listed,
  type ListedBody,
  type ListOptions,
  listed,
  type Page,
  page,
} from './listing.ts';
import { RevisionWaiters } from './revision-waiters.ts';
import { type Storage, type StorageEvent, Unavailable } from './storage.ts';
import { WritesUnderWay } from './writes-under-way.ts';

export interface WatchCacheOptions {
  /** What to hold: `/registry/`. */
  readonly prefix: string;
  readonly history?: HistoryLimits;
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Told of each value that is not the JSON of an object; such a key is not served. */
  readonly onUnreadable?: Unreadable;
}

/** After this long without the awaited event the store is asked how far it is (kube-apiserver: 100 ms). */
const overdueMs = 100;
const relistBackoffMs = 250;
/** How long old events may stay where no new ones come. */
const pruneMs = 15_000;

export class WatchCache {
  readonly #storage: Storage;
  readonly #options: WatchCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #blocks = new BlockList();
  readonly #fanOut = new FanOut();
  readonly #waiters: RevisionWaiters;
  readonly #history: History;
  /** What is about to be put into the store. */
  readonly underWay = new WritesUnderWay();
  readonly #held: Held;
  #revision = 0;
  #subscription: Subscription | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pruning: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(storage: Storage, options: WatchCacheOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#waiters = new RevisionWaiters(overdueMs, () => storage.requestProgress());
    this.#history = new History(0, options.history ?? historyLimits);
    this.#held = { entries: this.#entries, blocks: this.#blocks, history: this.#history };
  }

  /** Reads everything under the prefix, then follows the store. Rejects as `Storage.range` does. */
  static async start(storage: Storage, options: WatchCacheOptions): Promise<WatchCache> {
    const cache = new WatchCache(storage, options);
    const { entries, revision } = await fill(storage, options.prefix, options.onUnreadable);
    for (const entry of entries.values()) cache.#set(entry);
    cache.#revision = revision;
    cache.#history.reset(revision);
    cache.#follow();
    cache.#pruning = setInterval(() => cache.#history.prune(cache.#now()), pruneMs).unref();
    return cache;
  }

  /** Stops following; those who wait are rejected with `Unavailable`. The storage stays open. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#pruning);
    this.#subscription?.unsubscribe();
    this.#waiters.rejectAll(new Unavailable('the watch cache was closed'));
  }

  /** All writes up to this revision are in the cache. */
  get revision(): number {
    return this.#revision;
  }

  /** Resolves when the cache holds this revision; rejects with the signal's reason if that is aborted first. */
  waitFor(revision: number, signal?: AbortSignal): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve();
    if (this.#closed) return Promise.reject(new Unavailable('the watch cache was closed'));
    return this.#waiters.wait(revision, signal);
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** The entries under `prefix`, now. */
  list(prefix: string, options: ListOptions = {}): Listed {
    return this.listAt(prefix, this.#revision, options);
  }

  /**
   * The entries under `prefix` as they were at `revision` (wait for a later one first). Throws `Compacted` if the
   * history does not go back so far.
   */
  listAt(prefix: string, revision: number, options: ListOptions = {}): Listed {
    return listed(this.#held, prefix, revision, options);
  }

  /**
   * States before this revision can no longer be listed, as in the store itself. Watches may start there for as long as
   * the changes since are held.
   */
  forgetStates(before: number): void {
    this.#history.forgetStates(before);
  }

  /** How many entries there are under `prefix`. */
  count(prefix: string): number {
    return this.#blocks.count(prefix, endOfPrefix(prefix));
  }

  /** Everything under `prefix` as JSON, from cached buffers. */
  listBody(prefix: string): ListedBody {
    const to = endOfPrefix(prefix);
    return {
      parts: this.#blocks.joined(prefix, to),
      revision: this.#revision,
      count: this.#blocks.count(prefix, to),
    };
  }

  /**
   * Calls `listener` with every change after `fromRevision` under `prefix` (if it ends in `/`; otherwise of that one
   * key), in order: with those that are past already during this call, later as they come. The listener must
   * not throw. Returns what stops it. Throws `Compacted` if the history does not go back so far.
   */
  watch(prefix: string, fromRevision: number, listener: Listener): () => void {
    const past = fromRevision < this.#revision ? this.#history.after(fromRevision) : [];
    const matches = prefix.endsWith('/')
      ? (event: CacheEvent) => event.key.startsWith(prefix)
      : (event: CacheEvent) => event.key === prefix;
    const missed = past.filter(matches);
    const known = past.at(-1)?.revision ?? 0;
    const stop = this.#fanOut.add(prefix, Math.max(fromRevision, known), listener);
    if (missed.length > 0) listener(missed);
    return stop;
  }

  /**
   * A page of what is under `prefix` as JSON from cached buffers, as it was at `revision`; `undefined` if something has
   * changed there since, or no limit is given. Throws `Compacted` as `listAt`.
   */
  pageBody(prefix: string, revision: number, options: ListOptions): Page | undefined {
    return page(this.#held, prefix, revision, options);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #follow(): void {
    this.#subscription = this.#storage.watch(this.#options.prefix, this.#revision + 1).subscribe({
      next: (changes) => this.#apply(changes),
      error: () => void this.#listAgain(),
    });
  }

  #apply(changes: readonly StorageEvent[]): void {
    const events: CacheEvent[] = [];
    let { revision } = this;
    for (const change of changes) {
      const event = this.#eventOf(change);
      if (event !== undefined) events.push(event);
      revision = Math.max(revision, change.revision);
    }
    this.#advance(events, revision);
  }

  #eventOf(change: StorageEvent): CacheEvent | undefined {
    if (change.type === 'progress') return undefined;
    const entry = change.type === 'put' ? readEntry(change, this.#options.onUnreadable) : undefined;
    if (entry !== undefined && change.type === 'put') this.underWay.recognize(entry, change.value);
    return this.#change(change.key, entry, change.revision);
  }

  /** Makes `entry` (or its absence) the state of the key; the event that tells so, if there is any difference. */
  #change(key: string, entry: Entry | undefined, revision: number): CacheEvent | undefined {
    const previous = this.#entries.get(key);
    const time = this.#now();
    if (entry !== undefined) {
      this.#set(entry);
      return new CacheEvent(previous ? 'MODIFIED' : 'ADDED', entry, previous, time);
    }
    if (previous === undefined) return undefined;
    this.#entries.delete(key);
    this.#blocks.remove(key);
    return new CacheEvent('DELETED', previous.at(revision), previous, time);
  }

  #set(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#blocks.put(entry);
  }

  #advance(events: readonly CacheEvent[], revision: number): void {
    for (const event of events) this.#history.push(event);
    this.#revision = revision;
    if (events.length > 0) this.#fanOut.dispatch(events);
    this.#waiters.reached(revision);
  }

  /** The store no longer has what comes next: reads all and tells the watchers the difference. */
  async #listAgain(): Promise<void> {
    try {
      const contents = await fill(this.#storage, this.#options.prefix, this.#options.onUnreadable);
      if (this.#closed) return;
      this.#replace(contents);
      this.#follow();
    } catch {
      // The store is away: the same again a little later, for as long as the cache is open.
      if (this.#closed) return;
      this.#retry = setTimeout(() => void this.#listAgain(), relistBackoffMs);
    }
  }

  #replace({ entries, revision }: Contents): void {
    const changed = [...entries.values()]
      .filter((entry) => this.#entries.get(entry.key)?.revision !== entry.revision)
      .sort((a, b) => a.revision - b.revision)
      .map((entry) => this.#change(entry.key, entry, entry.revision));
    const gone = [...this.#entries.keys()]
      .filter((key) => !entries.has(key))
      .map((key) => this.#change(key, undefined, revision));
    const events = [...changed, ...gone].filter((event) => event !== undefined);
    this.#advance(events, revision);
    // What happened in between is not known one by one: nobody can resume from there.
    this.#history.reset(revision);
  }
}
