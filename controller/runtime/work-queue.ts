/**
 * Keys that want work, each at most once:
 *
 *     add ──▶ ready ──take──▶ running ──done──▶ (gone)
 *              ▲                 │ add meanwhile
 *     delayed ─┘◀──── dirty ◀────┘
 *
 * A key is never taken twice before it is done; what is added while it runs is kept (dirty) and becomes ready when it is
 * done; a delayed key becomes ready at its earliest time, or when it is added before.
 */
import type { Clock, Timer } from './clock.ts';
import { systemClock } from './clock.ts';

interface Delay {
  readonly at: number;
  readonly timer: Timer;
}

export class WorkQueue<Key> {
  readonly #clock: Clock;
  readonly #ready = new Set<Key>();
  readonly #running = new Set<Key>();
  readonly #dirty = new Set<Key>();
  readonly #delayed = new Map<Key, Delay>();
  readonly #takers: ((key: Key | undefined) => void)[] = [];
  #closed = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** How many keys wait: ready, delayed, or dirty behind their running selves. */
  get waiting(): number {
    return this.#ready.size + this.#delayed.size + this.#dirty.size;
  }

  /** The key wants work now. */
  add(key: Key): void {
    if (this.#closed) return;
    this.#undelay(key);
    if (this.#running.has(key)) {
      this.#dirty.add(key);
      return;
    }
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#ready.add(key);
      return;
    }
    this.#running.add(key);
    taker(key);
  }

  /** The key wants work in `ms` milliseconds; of several times the earliest holds. */
  addAfter(key: Key, ms: number): void {
    if (this.#closed || this.#ready.has(key) || this.#dirty.has(key)) return;
    const at = this.#clock.now() + ms;
    const held = this.#delayed.get(key);
    if (held !== undefined && held.at <= at) return;
    this.#undelay(key);
    const timer = this.#clock.setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, ms);
    this.#delayed.set(key, { at, timer });
  }

  /** Resolves with a key that is now running, in the order of adding; with `undefined` when the queue is closed. */
  take(): Promise<Key | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#running.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** The work on a taken key has ended. */
  done(key: Key): void {
    this.#running.delete(key);
    if (this.#dirty.delete(key)) this.add(key);
  }

  /** Forgets what waits; every `take`, now and later, gives `undefined`. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) this.#clock.clearTimeout(timer);
    this.#delayed.clear();
    this.#ready.clear();
    this.#dirty.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #undelay(key: Key): void {
    const held = this.#delayed.get(key);
    if (held === undefined) return;
    this.#clock.clearTimeout(held.timer);
    this.#delayed.delete(key);
  }
}
