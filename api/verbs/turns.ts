/**
 * Writers of one key, one after another: among many who read, change and write at once all but one would do it in vain,
 * and some of them for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Nobody waits longer than this for those before: a write that hangs does not hold up the others. */
const patienceMs = 1000;

export class Turns {
  readonly #stores = new WeakMap<object, Map<string, Promise<unknown>>>();

  /** Runs `work` when those who came before for this key of the store are done, or have taken too long. */
  async take<T>(store: object, key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#lastOf(store);
    const before = last.get(key);
    const mine = before === undefined ? work() : this.#after(before, work);
    const settled = mine.then(nothing, nothing);
    last.set(key, settled);
    try {
      return await mine;
    } finally {
      if (last.get(key) === settled) last.delete(key);
    }
  }

  #lastOf(store: object): Map<string, Promise<unknown>> {
    let last = this.#stores.get(store);
    if (last === undefined) {
      last = new Map();
      this.#stores.set(store, last);
    }
    return last;
  }

  async #after<T>(before: Promise<unknown>, work: () => Promise<T>): Promise<T> {
    const enough = new AbortController();
    const patience = sleep(patienceMs, undefined, { signal: enough.signal }).catch(nothing);
    await Promise.race([before, patience]);
    enough.abort();
    return work();
  }
}

const nothing = (): void => undefined;
