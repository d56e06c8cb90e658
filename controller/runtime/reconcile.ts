/** Keys in, runs out: one run per key at a time, again after failures, never past a deadline. */
import { Observable } from 'rxjs/internal/Observable';
import type { Subscriber } from 'rxjs/internal/Subscriber';
import { type Backoff, backoffMs, keyBackoff } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { WorkQueue } from './work-queue.ts';

/** What a run did (words for the log), and whether to come back without a change. */
export interface Outcome {
  readonly actions: readonly string[];
  readonly requeueAfterMs?: number;
}

/** All is as it should be until something changes. */
export const settled = (...actions: string[]): Outcome => ({ actions });

/** Something is due in `ms` milliseconds even if nothing changes. */
export const requeueAfter = (ms: number, ...actions: string[]): Outcome => ({
  actions,
  requeueAfterMs: ms,
});

/** Brings the world to what the object called `key` asks for. Idempotent; looks at states, not at what changed. */
export type Reconcile<Key> = (key: Key, signal: AbortSignal) => Promise<Outcome>;

/** A failure that trying again cannot cure: the key waits for a change. */
export class Terminal extends Error {
  override readonly name = 'Terminal';
}

/** One finished run. */
export interface Reconciled<Key> {
  readonly key: Key;
  readonly ms: number;
  readonly actions: readonly string[];
  readonly error?: unknown;
  /** When the key runs again by itself. */
  readonly retryMs?: number;
}

export interface ReconcileOptions {
  /** Runs under way at once, of different keys. Default 4. */
  readonly concurrency?: number;
  readonly backoff?: Backoff;
  /** After this long a run's signal aborts. Default 30 s. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

/**
 * Subscribing starts, unsubscribing aborts the runs under way. Guarantees: a key never runs twice at once; a key that
 * comes while it runs, runs again afterwards; a failed key runs again after its back-off (5 ms doubling to 60 s, reset by
 * success), a `Terminal` one when it comes again. Errors of `keys$` are passed on; its end changes nothing.
 */
export function reconcileKeys<Key>(
  keys$: Observable<Key>,
  reconcile: Reconcile<Key>,
  options: ReconcileOptions = {},
): Observable<Reconciled<Key>> {
  return new Observable((subscriber) => {
    const runner = new Runner(reconcile, options, subscriber);
    for (let i = 0; i < (options.concurrency ?? 4); i += 1) void runner.work();
    const feeding = keys$.subscribe({
      next: (key) => runner.queue.add(key),
      error: (error) => subscriber.error(error),
    });
    return () => {
      feeding.unsubscribe();
      runner.stop();
    };
  });
}

class Runner<Key> {
  readonly queue: WorkQueue<Key>;
  readonly #reconcile: Reconcile<Key>;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #deadlineMs: number;
  readonly #out: Subscriber<Reconciled<Key>>;
  readonly #failures = new Map<Key, number>();
  readonly #runs = new Set<AbortController>();

  constructor(
    reconcile: Reconcile<Key>,
    options: ReconcileOptions,
    out: Subscriber<Reconciled<Key>>,
  ) {
    this.#reconcile = reconcile;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? keyBackoff;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#out = out;
    this.queue = new WorkQueue(this.#clock);
  }

  /** One worker: takes keys until the queue is closed. */
  async work(): Promise<void> {
    for (;;) {
      const key = await this.queue.take();
      if (key === undefined) return;
      const reconciled = await this.#run(key);
      this.queue.done(key);
      if (reconciled.retryMs !== undefined) this.queue.addAfter(key, reconciled.retryMs);
      this.#out.next(reconciled);
    }
  }

  stop(): void {
    this.queue.close();
    for (const run of this.#runs) run.abort(new Error('the controller was stopped'));
  }

  async #run(key: Key): Promise<Reconciled<Key>> {
    const run = new AbortController();
    const startedAt = this.#clock.now();
    const deadline = this.#clock.setTimeout(() => run.abort(this.#late()), this.#deadlineMs);
    this.#runs.add(run);
    try {
      const { actions, requeueAfterMs } = await this.#reconcile(key, run.signal);
      this.#failures.delete(key);
      const ms = this.#clock.now() - startedAt;
      return {
        key,
        ms,
        actions,
        ...(requeueAfterMs === undefined ? {} : { retryMs: requeueAfterMs }),
      };
    } catch (error) {
      return this.#failed(key, this.#clock.now() - startedAt, error);
    } finally {
      this.#clock.clearTimeout(deadline);
      this.#runs.delete(run);
    }
  }

  #failed(key: Key, ms: number, error: unknown): Reconciled<Key> {
    if (error instanceof Terminal) {
      this.#failures.delete(key);
      return { key, ms, actions: [], error };
    }
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const retryMs = backoffMs(this.#backoff, failures, this.#clock.random());
    return { key, ms, actions: [], error, retryMs };
  }

  #late(): Error {
    return new Error(`the run took longer than its deadline of ${this.#deadlineMs} ms`);
  }
}
