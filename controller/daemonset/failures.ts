/** How long a failed daemon pod stays before another is tried on its node: at once, then 1 s doubling to 15 minutes. */

interface Failure {
  readonly atMs: number;
  readonly delayMs: number;
}

const firstMs = 1_000;
const maxMs = 900_000;

export class Failures {
  readonly #failures = new Map<string, Failure>();

  /** Milliseconds to wait; `key` names the set, its generation and the node. */
  leftMs(key: string, nowMs: number): number {
    const held = this.#failures.get(key);
    return held === undefined ? 0 : Math.max(0, held.atMs + held.delayMs - nowMs);
  }

  /** A failed pod is deleted now. What has gone well for twice the longest delay begins anew. */
  add(key: string, nowMs: number): void {
    for (const [other, { atMs }] of this.#failures) {
      if (nowMs - atMs > 2 * maxMs) this.#failures.delete(other);
    }
    const held = this.#failures.get(key);
    const delayMs = held === undefined ? firstMs : Math.min(maxMs, held.delayMs * 2);
    this.#failures.set(key, { atMs: nowMs, delayMs });
  }
}
