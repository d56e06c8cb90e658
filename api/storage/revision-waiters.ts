/** Those who wait until a revision has been reached. */

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Stops listening to the signal. */
  readonly release: () => void;
}

export class RevisionWaiters {
  #waiting: Waiter[] = [];
  #lowest = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #overdueMs: number;
  readonly #onOverdue: () => void;

  /** `onOverdue` is called while somebody has been waiting for about `overdueMs` or longer. */
  constructor(overdueMs: number, onOverdue: () => void) {
    this.#overdueMs = overdueMs;
    this.#onOverdue = onOverdue;
  }

  /** Resolves once `reached` was called with this revision or a higher one; rejects with the signal's reason. */
  wait(revision: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const abort = () => this.#giveUp(waiter, signal?.reason);
      const release = () => signal?.removeEventListener('abort', abort);
      const waiter: Waiter = { revision, resolve, reject, release };
      this.#waiting.push(waiter);
      this.#lowest = Math.min(this.#lowest, revision);
      this.#watchOverdue();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  reached(revision: number): void {
    if (revision < this.#lowest) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((waiter) => waiter.revision > revision);
    this.#lowest = this.#waiting.reduce(
      (lowest, waiter) => Math.min(lowest, waiter.revision),
      Number.POSITIVE_INFINITY,
    );
    for (const waiter of waiting) {
      if (waiter.revision > revision) continue;
      waiter.release();
      waiter.resolve();
    }
  }

  rejectAll(reason: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#lowest = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const waiter of waiting) {
      waiter.release();
      waiter.reject(reason);
    }
  }

  #giveUp(waiter: Waiter, reason: unknown): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiter);
    waiter.reject(reason);
  }

  /** One timer for all, and none while nobody waits. */
  #watchOverdue(): void {
    if (this.#timer !== undefined) return;
    const oldest = this.#waiting[0];
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const [first] = this.#waiting;
      if (first === undefined) return;
      if (first === oldest) this.#onOverdue();
      this.#watchOverdue();
    }, this.#overdueMs);
  }
}
