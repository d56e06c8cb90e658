/** A store in memory, with a history: for tests, and for programs that need no store that lasts. */
import { Observable } from 'rxjs/internal/Observable';
import { endOfPrefix, startOfRange } from './key-range.ts';
import { lowerBound } from './lower-bound.ts';
import {
  Compacted,
  type PutOptions,
  type Range,
  type RangeOptions,
  type Storage,
  type StorageEvent,
  type Stored,
  TooLarge,
  Unavailable,
  type WriteResult,
} from './storage.ts';

/** etcd's default `--max-request-bytes`. */
const valueBytesMax = 1.5 * 2 ** 20;

type Change = Exclude<StorageEvent, { type: 'progress' }>;

interface Watching {
  readonly prefix: string;
  readonly next: (events: StorageEvent[]) => void;
  readonly error: (error: unknown) => void;
  /** The first revision not yet told. */
  from: number;
  scheduled: boolean;
}

/** Revisions start at 1 (nothing stored), as etcd's do. */
export function createMemoryStorage(): Storage {
  return new MemoryStorage();
}

class MemoryStorage implements Storage {
  #revision = 1;
  #compacted = 0;
  /** Every change after the compaction, by revision; before it only what a key's state rests on. */
  #log: Change[] = [];
  readonly #now = new Map<string, Stored>();
  readonly #watching = new Set<Watching>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  async get(key: string): Promise<Stored | undefined> {
    this.#check();
    return this.#now.get(key);
  }

  async range(prefix: string, { limit, after, revision }: RangeOptions = {}): Promise<Range> {
    this.#check();
    const at = revision ?? this.#revision;
    if (at < this.#compacted) throw new Compacted(this.#compacted);
    if (at > this.#revision) {
      throw new RangeError(`revision ${at} is in the future; the store is at ${this.#revision}`);
    }
    const from = startOfRange(prefix, after);
    const found = [...this.#stateAt(at).values()]
      .filter(({ key }) => key >= from && key < endOfPrefix(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    const items = limit === undefined ? found : found.slice(0, limit);
    return { items, revision: this.#revision, more: items.length < found.length };
  }

  async put(key: string, value: Buffer, options: PutOptions): Promise<WriteResult> {
    this.#check();
    if (value.length > valueBytesMax) {
      throw new TooLarge(`the value of ${key} has ${value.length} bytes; ${valueBytesMax} fit`);
    }
    const current = this.#now.get(key);
    if ((current?.revision ?? 0) !== options.expectedRevision) return { written: false, current };
    const revision = ++this.#revision;
    const kept = Buffer.from(value);
    this.#now.set(key, { key, value: kept, revision });
    this.#append({ type: 'put', key, value: kept, revision, created: current === undefined });
    if (options.ttlSeconds !== undefined) this.#expire(key, revision, options.ttlSeconds);
    return { written: true, revision };
  }

  async delete(key: string, expectedRevision: number): Promise<WriteResult> {
    this.#check();
    const current = this.#now.get(key);
    if (current === undefined || current.revision !== expectedRevision) {
      return { written: false, current };
    }
    this.#now.delete(key);
    const revision = ++this.#revision;
    this.#append({ type: 'delete', key, revision });
    return { written: true, revision };
  }

  watch(prefix: string, fromRevision: number): Observable<readonly StorageEvent[]> {
    return new Observable((subscriber) => {
      const watching: Watching = {
        prefix,
        next: (events) => subscriber.next(events),
        error: (error) => subscriber.error(error),
        from: fromRevision,
        scheduled: false,
      };
      this.#watching.add(watching);
      this.#wake(watching);
      return () => this.#watching.delete(watching);
    });
  }

  requestProgress(): void {
    const revision = this.#revision;
    for (const watching of this.#watching) {
      queueMicrotask(() => {
        if (watching.from > revision) watching.next([{ type: 'progress', revision }]);
      });
    }
  }

  async compact(revision: number): Promise<void> {
    this.#check();
    if (revision <= this.#compacted) throw new Compacted(this.#compacted);
    if (revision > this.#revision) {
      throw new RangeError(`revision ${revision} is in the future; cannot compact to it`);
    }
    const base = new Set([...this.#stateAt(revision).values()].map((stored) => stored.revision));
    this.#log = this.#log.filter((each) => each.revision > revision || base.has(each.revision));
    this.#compacted = revision;
  }

  async ping(): Promise<void> {
    this.#check();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watching.clear();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #check(): void {
    if (this.#closed) throw new Unavailable('the store was closed');
  }

  #stateAt(revision: number): ReadonlyMap<string, Stored> {
    if (revision === this.#revision) return this.#now;
    const state = new Map<string, Stored>();
    for (const change of this.#log) {
      if (change.revision > revision) break;
      if (change.type === 'put') state.set(change.key, change);
      else state.delete(change.key);
    }
    return state;
  }

  #append(change: Change): void {
    this.#log.push(change);
    for (const watching of this.#watching) this.#wake(watching);
  }

  /** Tells in a microtask of its own: a watcher that writes does not nest into the telling. */
  #wake(watching: Watching): void {
    if (watching.scheduled) return;
    watching.scheduled = true;
    queueMicrotask(() => {
      watching.scheduled = false;
      if (this.#watching.has(watching)) this.#tell(watching);
    });
  }

  #tell(watching: Watching): void {
    if (watching.from < this.#compacted) {
      this.#watching.delete(watching);
      watching.error(new Compacted(this.#compacted));
      return;
    }
    const start = lowerBound(this.#log, (change) => change.revision >= watching.from);
    watching.from = Math.max(watching.from, this.#revision + 1);
    const events = this.#log.slice(start).filter(({ key }) => key.startsWith(watching.prefix));
    if (events.length > 0) watching.next(events);
  }

  #expire(key: string, revision: number, ttlSeconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) void this.delete(key, revision);
    }, ttlSeconds * 1000);
    this.#timers.add(timer);
  }
}
