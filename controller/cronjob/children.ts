/** A CronJob's Jobs: which run, what the status says of them, which are history. Pure. */
import type { CronJob, Job } from '#api/resources/types.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import type { Happening } from '#controller/runtime/events.ts';

/** On each Job: the time that it was made for, in the CronJob's zone. */
export const scheduledKey = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export type Status = NonNullable<CronJob['status']>;

const isComplete = ({ status }: Job): boolean => isTrue(status?.conditions, 'Complete');
const isFailed = ({ status }: Job): boolean => isTrue(status?.conditions, 'Failed');
const isFinished = (job: Job): boolean => isComplete(job) || isFailed(job);

/** As a status refers to a Job. */
export const referenceTo = ({ metadata }: Job) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: metadata.name,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
});

const scheduledOf = ({ metadata }: Job): string | undefined => metadata.annotations?.[scheduledKey];

/** Of times as text the later. */
const later = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && Date.parse(b) > Date.parse(a)) ? b : a;

interface Children {
  readonly status: Status;
  readonly tell: readonly Happening[];
}

/**
 * The status as the Jobs make it. A Job that we made and did not note (we died in between) is noted now: it counts for
 * the concurrency policy, and its time is not started again.
 */
export function children(cronJob: CronJob, jobs: readonly Job[]): Children {
  const { status = {} } = cronJob;
  const held = status.active ?? [];
  const tell: Happening[] = [];
  const active = held.filter(({ uid, name }) => {
    const job = jobs.find(({ metadata }) => metadata.uid === uid);
    if (job === undefined) {
      tell.push({
        type: 'Normal',
        reason: 'MissingJob',
        message: `Active job went missing: ${name}`,
      });
      return false;
    }
    if (!isFinished(job)) return true;
    const condition = isComplete(job) ? 'Complete' : 'Failed';
    const message = `Saw completed job: ${name}, condition: ${condition}`;
    tell.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    return false;
  });
  for (const job of jobs) {
    const { uid, name, deletionTimestamp } = job.metadata;
    if (isFinished(job) || deletionTimestamp !== undefined) continue;
    if (held.some((one) => one.uid === uid)) continue;
    if (scheduledOf(job) !== undefined) active.push(referenceTo(job));
    else tell.push(unexpected(name));
  }
  return { status: { ...times(status, jobs), ...(active.length === 0 ? {} : { active }) }, tell };
}

const unexpected = (name: string): Happening => ({
  type: 'Warning',
  reason: 'UnexpectedJob',
  message: `Saw a job that the controller did not create or forgot: ${name}`,
});

function times(status: Status, jobs: readonly Job[]): Status {
  let { lastScheduleTime, lastSuccessfulTime } = status;
  for (const job of jobs) {
    const scheduled = scheduledOf(job);
    const utc =
      scheduled === undefined ? undefined : new Date(scheduled).toISOString().replace('.000', '');
    lastScheduleTime = later(lastScheduleTime, utc);
    if (isComplete(job)) lastSuccessfulTime = later(lastSuccessfulTime, job.status?.completionTime);
  }
  return {
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  };
}

/** Ended Jobs beyond the limits, the oldest first. */
export function surplus(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
  const present = jobs.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [
    ...beyond(present.filter(isComplete), successfulJobsHistoryLimit),
    ...beyond(present.filter(isFailed), failedJobsHistoryLimit),
  ];
}

function beyond(jobs: readonly Job[], limit: number | undefined): Job[] {
  if (limit === undefined || jobs.length <= limit) return [];
  const start = ({ metadata, status }: Job) =>
    status?.startTime ?? metadata.creationTimestamp ?? '';
  const byAge = (a: Job, b: Job) =>
    start(a) === start(b)
      ? a.metadata.name < b.metadata.name
        ? -1
        : 1
      : start(a) < start(b)
        ? -1
        : 1;
  return jobs.toSorted(byAge).slice(0, jobs.length - limit);
}
