/**
 * What has become of a Job's pods. A pod is counted once, whatever dies in between: its uid is noted in the status
 * (`uncountedTerminatedPods`), then it loses its finalizer, then the number takes the uid's place. An index needs no note:
 * that it has succeeded can be said twice. After job_controller.go `trackJobStatusAndRemoveFinalizers`.
 */
import type { Job, Pod } from '#api/resources/types.ts';
import { isActive, isLeaving, isReady } from '#controller/workload/pod-state.ts';
import { judged } from './failure-policy.ts';
import { parseIndexes } from './indexes.ts';
import {
  failuresBefore,
  hasLimitPerIndex,
  indexOf,
  isFailed,
  isIndexed,
  isSucceeded,
  isTracked,
} from './tracking.ts';

export interface Tally {
  readonly active: readonly Pod[];
  readonly ready: number;
  /** Being deleted, not ended yet. */
  readonly terminating: number;
  /** Ended, with the finalizer, not noted in the status: to be counted. Ignored failures are not among them. */
  readonly fresh: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] };
  /** Noted in the status: those that still have the finalizer, and how many have lost it. */
  readonly noted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  readonly passed: { readonly succeeded: number; readonly failed: number };
  /** All that ever ended, for limits. */
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
}

export function tallyOf(job: Job, pods: readonly Pod[]): Tally {
  const { status = {} } = job;
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const tracked = pods.filter(isTracked);
  const trackedUids = new Set(tracked.map(({ metadata }) => metadata.uid ?? ''));
  const isNoted = ({ metadata }: Pod) =>
    succeeded.includes(metadata.uid ?? '') || failed.includes(metadata.uid ?? '');
  const inRange = tracked.filter((pod) => !isIndexed(job) || indexOf(job, pod) !== undefined);
  const ended = inRange.filter((pod) => !isNoted(pod));
  const fresh = {
    succeeded: isIndexed(job) ? [] : ended.filter(isSucceeded),
    failed: ended.filter((pod) => isFailed(job, pod) && judged(job, pod).action !== 'Ignore'),
  };
  const held = (uid: string) => trackedUids.has(uid);
  const noted = { succeeded: succeeded.filter(held), failed: failed.filter(held) };
  const passed = {
    succeeded: succeeded.length - noted.succeeded.length,
    failed: failed.length - noted.failed.length,
  };
  const succeededIndexes = succeededOf(job, inRange);
  const active = pods.filter(isActive);
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isLeaving(pod) && !isOver(pod)).length,
    fresh,
    noted,
    passed,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : (status.succeeded ?? 0) + succeeded.length + fresh.succeeded.length,
    failed: (status.failed ?? 0) + failed.length + fresh.failed.length,
    succeededIndexes,
    failedIndexes: failedOf(job, inRange, succeededIndexes),
  };
}

const isOver = (pod: Pod): boolean => isSucceeded(pod) || pod.status?.phase === 'Failed';

function succeededOf(job: Job, tracked: readonly Pod[]): Set<number> {
  if (!isIndexed(job)) return new Set();
  const indexes = parseIndexes(job.status?.completedIndexes, job.spec?.completions ?? 0);
  for (const pod of tracked.filter(isSucceeded)) indexes.add(indexOf(job, pod) ?? 0);
  return indexes;
}

/** Indexes that may not be tried again. */
function failedOf(job: Job, tracked: readonly Pod[], succeeded: ReadonlySet<number>): Set<number> {
  if (!hasLimitPerIndex(job)) return new Set();
  const indexes = parseIndexes(job.status?.failedIndexes, job.spec?.completions ?? 0);
  const limit = job.spec?.backoffLimitPerIndex ?? 0;
  for (const pod of tracked.filter((one) => isFailed(job, one))) {
    const index = indexOf(job, pod) ?? 0;
    const { action } = judged(job, pod);
    const spent = action !== 'Ignore' && failuresBefore(pod) + 1 > limit;
    if ((action === 'FailIndex' || spent) && !succeeded.has(index)) indexes.add(index);
  }
  return indexes;
}
