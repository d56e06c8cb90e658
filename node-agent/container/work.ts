/** Work that changes the machine: a runtime is not closed, and its directory nobody else's, before all of it has settled. */
export class Work {
  readonly #open = new Set<Promise<unknown>>();

  /** The same promise, counted until it settles. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#open.add(work);
    const settled = () => this.#open.delete(work);
    work.then(settled, settled);
    return work;
  }

  /** Calls back once nothing is under way: at once if nothing is. */
  whenIdle(callback: () => void): void {
    if (this.#open.size === 0) callback();
    else void Promise.allSettled(this.#open).then(() => this.whenIdle(callback));
  }
}
