/** Restart and image back-off: pure functions of what happened, so that a restart of the agent forgets nothing. */
import type { Attempt, Waiting } from './view.ts';

/** kubelet's numbers: 10 s doubling to 300 s, forgotten after 10 minutes of running (pkg/kubelet/kubelet.go). */
const firstDelayMs = 10_000;
const longestDelayMs = 300_000;
const forgottenAfterMs = 600_000;

/**
 * How long the attempt after `previous` has to wait once it ends itself. The first restart is immediate; each
 * attempt carries the delay its own end will cost, which makes the back-off survive the agent.
 */
export function nextRestartDelayMs(previous: Attempt | undefined): number {
  if (previous === undefined) return 0;
  if (previous.superseded === true) return previous.restartDelayMs;
  if (previous.restartDelayMs === 0 || ranLong(previous)) return firstDelayMs;
  return Math.min(previous.restartDelayMs * 2, longestDelayMs);
}

/** When an ended attempt's container may be started again, in milliseconds since the epoch. */
export function restartAt(attempt: Attempt): number {
  if (attempt.state.phase !== 'exited') return Number.POSITIVE_INFINITY;
  const finishedAt = Date.parse(attempt.state.finishedAt);
  const atOnce = ranLong(attempt) || attempt.superseded === true;
  return atOnce ? finishedAt : finishedAt + attempt.restartDelayMs;
}

function ranLong(attempt: Attempt): boolean {
  if (attempt.state.phase !== 'exited') return false;
  const { startedAt, finishedAt } = attempt.state;
  return Date.parse(finishedAt) - Date.parse(startedAt) >= forgottenAfterMs;
}

/** A failed try's `Waiting`: the delay doubles while the same kind of failure repeats. */
export function waitAfterFailure(
  previous: (Waiting & { readonly delayMs?: number }) | undefined,
  failure: { readonly reason: string; readonly message: string },
  now: number,
): Waiting & { readonly delayMs: number } {
  const before = previous?.delayMs;
  const delayMs = before === undefined ? firstDelayMs : Math.min(before * 2, longestDelayMs);
  return { ...failure, retryAt: now + delayMs, delayMs };
}
