/** Exponential back-off as a pure function of the number of failures. */

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Up to this share of the delay is added, at random: 0.2 adds 0 to 20 %. */
  readonly jitter: number;
}

/** Failing watches: client-go's reflector (0.8 s, doubled, at most 30 s; it adds up to 100 % of jitter). */
export const watchBackoff: Backoff = { firstMs: 800, maxMs: 30_000, factor: 2, jitter: 1 };

/**
 * A server that cannot be reached: it is being started or restarted beside us, and asking again costs next to
 * nothing, so that all parts can start at once and none waits longer than it must.
 */
export const connectBackoff: Backoff = { firstMs: 20, maxMs: 2_000, factor: 1.5, jitter: 0.5 };

/** Failing keys: controller-runtime's 5 ms, doubled; at most one minute, ours being shorter than its 1,000 s. */
export const keyBackoff: Backoff = { firstMs: 5, maxMs: 60_000, factor: 2, jitter: 0.1 };

/** The delay in milliseconds before the next try after `failures` (≥ 1) failures in a row; `random` is in [0, 1). */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  const { firstMs, maxMs, factor, jitter } = backoff;
  const delay = Math.min(maxMs, firstMs * factor ** Math.min(failures - 1, 64));
  return delay * (1 + jitter * random);
}
