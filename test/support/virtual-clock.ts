/** Time that passes only when a test says so. */
import type { Clock, Timer } from '#controller/runtime/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Lets everything run that waits for promises alone. */
export const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #seed: number;
  readonly #timers = new Set<Due>();

  /** Starts at a round time; `seed` makes `random` repeatable. */
  constructor({ now = Date.UTC(2030, 0, 1), seed = 1 } = {}) {
    this.#now = now;
    this.#seed = seed;
  }

  now(): number {
    return this.#now;
  }

  /** mulberry32: small, even enough, the same everywhere. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  setTimeout(run: () => void, ms: number): Timer {
    this.#order += 1;
    const due: Due = { at: this.#now + Math.max(0, ms), order: this.#order, run };
    this.#timers.add(due);
    return due;
  }

  clearTimeout(timer: Timer): void {
    this.#timers.delete(timer as Due);
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass: every timer due runs at its time, and what it sets going by promises ends before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await flush();
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#now = due.at;
      this.#timers.delete(due);
      due.run();
      await flush();
    }
    this.#now = end;
  }

  #next(end: number): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#timers) {
      const earlier = next === undefined || due.at < next.at;
      const sameButFirst = due.at === next?.at && due.order < next.order;
      if (due.at <= end && (earlier || sameButFirst)) next = due;
    }
    return next;
  }
}
