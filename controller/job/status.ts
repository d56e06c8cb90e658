/** The status of a Job. */
import type { Job, JobCondition } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf, isTrue } from '#controller/runtime/conditions.ts';
import { positive } from '#controller/workload/share.ts';
import { isSuspended, type Verdict } from './finish.ts';
import { formatIndexes } from './indexes.ts';
import type { Tally } from './tally.ts';
import { hasLimitPerIndex, isIndexed } from './tracking.ts';

export type Status = NonNullable<Job['status']>;

export interface Noted {
  readonly succeeded: readonly string[];
  readonly failed: readonly string[];
}

function conditionsWith(
  held: readonly JobCondition[],
  next: { type: string; status: string; reason: string; message: string },
  now: string,
): JobCondition[] {
  const before = conditionOf(held, next.type);
  if (before?.status === next.status) return [...held];
  const times = { lastProbeTime: now, lastTransitionTime: now };
  return [...held.filter(({ type }) => type !== next.type), { ...next, ...times }];
}

/** `Suspended` is told while it is so, and that it is no more. */
function suspension(job: Job, now: string): JobCondition[] {
  const held = job.status?.conditions ?? [];
  const type = 'Suspended';
  if (isSuspended(job)) {
    const next = { type, status: 'True', reason: 'JobSuspended', message: 'Job suspended' };
    return conditionsWith(held, next, now);
  }
  if (conditionOf(held, type) === undefined) return held;
  const next = { type, status: 'False', reason: 'JobResumed', message: 'Job resumed' };
  return conditionsWith(held, next, now);
}

/** A Job that is resumed begins anew. */
function startOf(job: Job, now: string): { startTime?: string } {
  const { startTime, conditions } = job.status ?? {};
  if (!isSuspended(job) && (startTime === undefined || isTrue(conditions, 'Suspended'))) {
    return { startTime: now };
  }
  return startTime === undefined ? {} : { startTime };
}

/** `verdict`: how it will end; `over`: nothing is left to wait for, so that it ends now. */
export function jobStatus(
  job: Job,
  tally: Tally,
  noted: Noted,
  verdict: Verdict | undefined,
  over: boolean,
  nowMs: number,
): Status {
  const now = timestamp(nowMs);
  const { succeeded = 0, failed = 0, completionTime } = job.status ?? {};
  const ended = verdict !== undefined;
  let conditions = ended ? (job.status?.conditions ?? []) : suspension(job, now);
  const saying = (type: string) => {
    const { reason, message } = verdict ?? { reason: '', message: '' };
    conditions = conditionsWith(conditions, { type, status: 'True', reason, message }, now);
  };
  const success = verdict?.type === 'SuccessCriteriaMet';
  if (ended) saying(verdict.type);
  if (over) saying(success ? 'Complete' : 'Failed');
  const finished = over && success ? now : completionTime;
  const counted = isIndexed(job) ? tally.succeededIndexes.size : succeeded + tally.passed.succeeded;
  const completed = formatIndexes(tally.succeededIndexes);
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...startOf(job, now),
    ...(finished === undefined ? {} : { completionTime: finished }),
    ...positive('active', ended ? 0 : tally.active.length),
    ...positive('succeeded', counted),
    ...positive('failed', failed + tally.passed.failed),
    ready: ended ? 0 : tally.ready,
    terminating: tally.terminating,
    ...(completed === '' ? {} : { completedIndexes: completed }),
    ...(hasLimitPerIndex(job) ? { failedIndexes: formatIndexes(tally.failedIndexes) } : {}),
    uncountedTerminatedPods: {
      ...(noted.succeeded.length === 0 ? {} : { succeeded: [...noted.succeeded] }),
      ...(noted.failed.length === 0 ? {} : { failed: [...noted.failed] }),
    },
  };
}
