/** Whether, and why, a Job ends now: the reasons and words of Kubernetes. After job_controller.go `syncJob`. */
import type { Job, JobCondition, Pod } from '#api/resources/types.ts';
import { conditionOf, isTrue } from '#controller/runtime/conditions.ts';
import { judged } from './failure-policy.ts';
import { succeededBy } from './success-policy.ts';
import type { Tally } from './tally.ts';
import { hasLimitPerIndex, isFailed, isIndexed, isTracked } from './tracking.ts';

/** What is certain already, before all pods have gone and are counted. */
export interface Verdict {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

export const isFinished = ({ status }: Job): boolean =>
  isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed');

export const isSuspended = (job: Job): boolean => job.spec?.suspend === true;

const failure = (reason: string, message: string): Verdict => ({
  type: 'FailureTarget',
  reason,
  message,
});

export function verdictOf(
  job: Job,
  pods: readonly Pod[],
  tally: Tally,
  nowMs: number,
): Verdict | undefined {
  return (
    said(job) ??
    failedByPolicy(job, pods) ??
    failedByLimits(job, pods, tally, nowMs) ??
    failedByIndexes(job, tally) ??
    succeeded(job, tally)
  );
}

/** What was said once holds. */
function said({ status }: Job): Verdict | undefined {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const held = conditionOf<JobCondition>(status?.conditions, type);
    if (held?.status === 'True') {
      return { type, reason: held.reason ?? '', message: held.message ?? '' };
    }
  }
  return undefined;
}

function failedByPolicy(job: Job, pods: readonly Pod[]): Verdict | undefined {
  if (job.spec?.podFailurePolicy === undefined) return undefined;
  for (const pod of pods.filter((one) => isTracked(one) && isFailed(job, one))) {
    const { action, message } = judged(job, pod);
    if (action === 'FailJob') return failure('PodFailurePolicy', message);
  }
  return undefined;
}

function failedByLimits(
  job: Job,
  pods: readonly Pod[],
  { failed }: Tally,
  nowMs: number,
): Verdict | undefined {
  const { backoffLimit = 6 } = job.spec ?? {};
  if (failed > backoffLimit || hasRestartedTooOften(job, pods, backoffLimit)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if ((deadlineMs(job) ?? Number.POSITIVE_INFINITY) <= nowMs) {
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  return undefined;
}

/** With `restartPolicy: OnFailure` the containers' restarts are the retries. */
function hasRestartedTooOften(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    const { initContainerStatuses = [], containerStatuses = [] } = status;
    for (const one of [...initContainerStatuses, ...containerStatuses])
      restarts += one.restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** When the Job has been active for too long. */
export function deadlineMs(job: Job): number | undefined {
  const { activeDeadlineSeconds } = job.spec ?? {};
  const { startTime } = job.status ?? {};
  if (activeDeadlineSeconds === undefined || startTime === undefined || isSuspended(job)) {
    return undefined;
  }
  return Date.parse(startTime) + activeDeadlineSeconds * 1_000;
}

function failedByIndexes(job: Job, tally: Tally): Verdict | undefined {
  if (!hasLimitPerIndex(job)) return undefined;
  const { maxFailedIndexes, completions = 0 } = job.spec ?? {};
  const { failedIndexes, succeededIndexes } = tally;
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return failure('MaxFailedIndexesExceeded', message);
  }
  const done = failedIndexes.size + succeededIndexes.size >= completions;
  return failedIndexes.size > 0 && done
    ? failure('FailedIndexes', 'Job has failed indexes')
    : undefined;
}

function succeeded(job: Job, tally: Tally): Verdict | undefined {
  const type = 'SuccessCriteriaMet';
  const matched = isIndexed(job) ? succeededBy(job, tally.succeededIndexes) : undefined;
  if (matched !== undefined) return { type, reason: 'SuccessPolicy', message: matched };
  const { completions } = job.spec ?? {};
  const enough = tally.succeeded >= (completions ?? 1);
  if (!enough || tally.active.length > 0) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type, reason: 'CompletionsReached', message };
}
