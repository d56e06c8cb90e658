/** Tries again what may go better then. */

import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryProblem } from './problem.ts';

export interface RetryPolicy {
  /** Tries in all. */
  readonly tries: number;
  /** The first wait; each later one is twice as long, up to `maxMs`. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** A registry that asks for a longer wait than this is not waited for. */
  readonly longestAskedMs: number;
}

export const PATIENT: RetryPolicy = {
  tries: 5,
  baseMs: 500,
  maxMs: 10_000,
  longestAskedMs: 60_000,
};

/** Resolves after the wait that belongs to the failed try number `failed` (from 1). Rejects when trying again is over. */
export async function waitForNextTry(
  policy: RetryPolicy,
  failed: number,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!(error instanceof RegistryProblem) || error.kind !== 'temporary') throw error;
  const asked = error.retryAfterMs;
  if (failed >= policy.tries) throw afterTries(error, failed);
  if (asked !== undefined && asked > policy.longestAskedMs) {
    throw told(error, `the registry asks to wait ${Math.ceil(asked / 1000)} s`);
  }
  const backOff = Math.min(policy.baseMs * 2 ** (failed - 1), policy.maxMs);
  // Jitter: nodes that failed together should not come back together.
  const waitMs = asked ?? backOff * (0.5 + Math.random() / 2);
  await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
}

/** Repeats `work` while its problems are temporary. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await work();
    } catch (error) {
      await waitForNextTry(policy, failed, error, signal);
    }
  }
}

function afterTries(error: RegistryProblem, tries: number): RegistryProblem {
  return tries === 1 ? error : told(error, `given up after ${tries} tries`);
}

function told({ kind, message, status, advice, retryAfterMs }: RegistryProblem, more: string) {
  const facts = { ...(status === undefined ? {} : { status }), retryAfterMs, advice };
  return new RegistryProblem(kind, `${message}; ${more}`, facts);
}
