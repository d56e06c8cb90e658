/** All open watches: their bookmarks on one clock, their writes on another, and their end when the server stops. */
import { FlushClock } from './flush-clock.ts';

export interface Watcher {
  /** Tells the client how far it is; not called of watches that did not ask for bookmarks. */
  readonly bookmark: (() => void) | undefined;
  /** Ends the watch as if its time were over. */
  readonly end: () => void;
}

/** kube-apiserver's bookmark frequency. */
const bookmarkMs = 60_000;

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly flushClock = new FlushClock();
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#watchers.size;
  }

  /** Returns what takes the watcher out again. */
  add(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => this.#bookmark(), bookmarkMs).unref();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  endAll(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
  }

  #bookmark(): void {
    for (const watcher of [...this.#watchers]) watcher.bookmark?.();
  }
}
