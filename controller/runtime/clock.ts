/** Time and chance, injected: so that a controller can be run under virtual time and with a known seed. */

/** What `setTimeout` gives and `clearTimeout` takes. */
export type Timer = unknown;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(run: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Evenly spread in [0, 1). */
  random(): number;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  random: () => Math.random(),
};

/** Resolves after `ms`, or at once when the signal aborts (it does not reject: callers look at the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

/** RFC 3339 in whole seconds: `metav1.Time` on the wire. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** RFC 3339 with six digits: `metav1.MicroTime` on the wire (Lease, Event). */
export const microTimestamp = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 23)}000Z`;
