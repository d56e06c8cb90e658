/**
 * When watches write. A single event goes out at once. Where many watch and events come quickly, what follows within
 * some milliseconds goes out in one piece: a write through TLS costs more than ten events do.
 */

export interface Flushed {
  /** Writes what has gathered. */
  flush(): void;
}

/** kube-apiserver's clients see events some milliseconds late anyway: one trip to etcd takes one or two. */
const tickMs = 5;
/** Nobody waits longer for the next write, however long the last one took. */
const pauseMsMax = 50;

/** One clock for all watches. */
export class FlushClock {
  readonly #now: () => number;
  readonly #waiting = new Set<Flushed>();
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  #began = 0;

  /** `now`: milliseconds from anywhere. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The number of the time that has begun; a new one begins with the first write after a pause. */
  begin(): number {
    if (this.#timer === undefined) {
      this.#began = this.#now();
      this.#timer = setTimeout(() => this.#written(), tickMs).unref();
    }
    return this.#tick;
  }

  /** Whether that time is still running. */
  isRunning(tick: number): boolean {
    return this.#timer !== undefined && tick === this.#tick;
  }

  /** Flushes it when the running time is over. */
  wait(one: Flushed): void {
    this.#waiting.add(one);
  }

  /**
   * Writing to thousands takes longer than a tick: as long as that took, others have their turn, and more events gather for
   * each write.
   */
  #written(): void {
    const tookMs = this.#now() - this.#began;
    if (tookMs < 2 * tickMs) this.#next();
    else this.#timer = setTimeout(() => this.#next(), Math.min(tookMs, pauseMsMax)).unref();
  }

  #next(): void {
    this.#timer = undefined;
    this.#tick += 1;
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const one of due) one.flush();
  }
}
