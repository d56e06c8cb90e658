/** Keeps one part of the cluster running: starts it, starts it again with back-off when it ends, stops it when told. */

/** A started process. */
export interface Running {
  readonly pid: number;
  /** Resolves with the exit code (128 + signal when a signal ended it). */
  readonly exited: Promise<number>;
  /** Asks it to end and resolves when it has ended. */
  stop(): Promise<void>;
}

export interface KeeperOptions {
  readonly name: string;
  start(): Promise<Running>;
  /** Told of every end that nobody asked for. */
  onExit(name: string, exitCode: number, againInMs: number): void;
  onStart(name: string, pid: number): void;
}

const firstBackoffMs = 50;
const longestBackoffMs = 5_000;
/** A part that lived this long starts over at the shortest back-off. */
const steadyMs = 10_000;

/** How long to wait before a part that lived for `livedMs` is started again, after `lastMs` the time before. */
export function backoffAfter(livedMs: number, lastMs: number | undefined): number {
  if (lastMs === undefined || livedMs > steadyMs) return firstBackoffMs;
  return Math.min(lastMs * 2, longestBackoffMs);
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #stopping = Promise.withResolvers<void>();
  #first: Promise<unknown> | undefined;
  #running: Running | undefined;
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Starts the part; rejects if the very first start fails (a missing program, a bad setting). */
  async start(): Promise<void> {
    const launched = this.#launch();
    this.#first = launched.catch(() => undefined);
    this.#running = await launched;
    this.#loop = this.#keep();
  }

  /** Ends the part for good. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    // The first start may still be under way.
    await this.#first;
    await this.#running?.stop();
    await this.#loop;
  }

  async #launch(): Promise<Running> {
    const running = await this.#options.start();
    this.#options.onStart(this.#options.name, running.pid);
    return running;
  }

  async #keep(): Promise<void> {
    let backoffMs: number | undefined;
    while (!this.#stopped) {
      const started = Date.now();
      const exitCode = (await this.#running?.exited) ?? 1;
      if (this.#stopped) return;
      backoffMs = backoffAfter(Date.now() - started, backoffMs);
      this.#options.onExit(this.#options.name, exitCode, backoffMs);
      await this.#pause(backoffMs);
      if (this.#stopped) return;
      this.#running = await this.#launch().catch(() => undefined);
      // `stop` may have come while the start was under way and found nothing to stop.
      if (this.#stopped) await this.#running?.stop();
    }
  }

  /** Waits, but no longer than until `stop`. */
  async #pause(ms: number): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, ms);
    await Promise.race([timer.promise, this.#stopping.promise]);
    clearTimeout(timeout);
  }
}
