/** What a CronJob wants done now: a Job made, Jobs deleted, and when to look again. Pure. After cronjob_controllerv2.go. */
import { parseSchedule, type Schedule } from '#api/resources/cron.ts';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { CronJob, Job } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import type { Happening } from '#controller/runtime/events.ts';
import { children, type Status, scheduledKey, surplus } from './children.ts';
import { type LocalTime, lastDue, nextMs, wallClock } from './next.ts';

export interface Plan {
  /** What is known of its Jobs, without the one that is made now. */
  readonly status: Status;
  /** Running, to be replaced by the next. */
  readonly replace: readonly Job[];
  readonly create?: { readonly job: Job; readonly scheduledMs: number };
  /** Ended long ago: beyond the history limits. */
  readonly forget: readonly Job[];
  readonly tell: readonly Happening[];
  readonly againMs?: number;
}

/** Timers may be early by a little. */
const lateMs = 20;

const warning = (reason: string, message: string): Happening => ({
  type: 'Warning',
  reason,
  message,
});

/** `jobs`: those that it controls. */
export function plan(cronJob: CronJob, jobs: readonly Job[], nowMs: number): Plan {
  const { status, tell } = children(cronJob, jobs);
  const idle: Plan = { status, replace: [], forget: surplus(cronJob, jobs), tell };
  const { deletionTimestamp } = cronJob.metadata;
  if (deletionTimestamp !== undefined) return { ...idle, forget: [] };
  if (cronJob.spec?.suspend === true) return idle;
  const read = reading(cronJob);
  if ('reason' in read) return { ...idle, tell: [...tell, read] };
  return schedule({ ...cronJob, status }, jobs, read, idle, nowMs);
}

interface Reading {
  readonly schedule: Schedule;
  readonly local: LocalTime;
}

/** What the API server lets through is right; an older object, or a zone that this machine lacks, may not be. */
function reading({ spec }: CronJob): Reading | Happening {
  const { schedule: text = '', timeZone } = spec ?? {};
  let local: LocalTime;
  try {
    local = wallClock(timeZone);
  } catch {
    const zone = JSON.stringify(timeZone);
    return warning('UnknownTimeZone', `invalid timeZone: ${zone}: unknown time zone ${timeZone}`);
  }
  try {
    return { schedule: parseSchedule(text), local };
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    return warning('UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${why}`);
  }
}

function schedule(
  cronJob: CronJob,
  jobs: readonly Job[],
  { schedule, local }: Reading,
  idle: Plan,
  nowMs: number,
): Plan {
  const next = nextMs(schedule, local, nowMs);
  const later = next === undefined ? {} : { againMs: next - nowMs + lateMs };
  const telling = (...more: Happening[]) => ({ ...idle, ...later, tell: [...idle.tell, ...more] });
  const due = lastDue(schedule, local, sinceMs(cronJob, nowMs), nowMs);
  if (due === undefined) return telling();
  const tooMany = due.tooMany ? [tooManyMissed] : [];
  const name = jobName(cronJob, due.ms);
  const active = cronJob.status?.active ?? [];
  if (jobs.some(({ metadata }) => metadata.name === name)) return telling(...tooMany);
  const policy = cronJob.spec?.concurrencyPolicy;
  if (policy === 'Forbid' && active.length > 0) return telling(...tooMany, stillActive);
  const isActive = ({ metadata }: Job) => active.some(({ uid }) => uid === metadata.uid);
  return {
    ...telling(...tooMany),
    replace: policy === 'Replace' ? jobs.filter(isActive) : [],
    create: { job: newJob(cronJob, due.ms, local), scheduledMs: due.ms },
  };
}

const tooManyMissed = warning(
  'TooManyMissedTimes',
  'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
);

const stillActive: Happening = {
  type: 'Normal',
  reason: 'JobAlreadyActive',
  message: 'Not starting job because prior execution is running and concurrency policy is Forbid',
};

/** From when on what was missed counts: the last start, or the birth; no longer ago than the deadline. */
function sinceMs(cronJob: CronJob, nowMs: number): number {
  const { metadata, spec, status } = cronJob;
  const last = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '');
  const { startingDeadlineSeconds } = spec ?? {};
  // Whoever is due exactly at the deadline is still in time.
  const deadline =
    startingDeadlineSeconds === undefined ? 0 : nowMs - startingDeadlineSeconds * 1_000 - 1;
  return Math.max(last, deadline);
}

/** One name for one time: a Job that was made is found again. */
export const jobName = ({ metadata }: CronJob, scheduledMs: number): string =>
  `${metadata.name}-${Math.floor(scheduledMs / 60_000)}`;

function newJob(cronJob: CronJob, scheduledMs: number, local: LocalTime): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  const { namespace } = cronJob.metadata;
  const annotations = { ...metadata?.annotations, [scheduledKey]: zoned(scheduledMs, local) };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, scheduledMs),
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations,
      ownerReferences: [ownerReferenceTo(cronJob)],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}

/** RFC 3339 with the zone's offset. */
function zoned(ms: number, local: LocalTime): string {
  const offset = Math.round((local(ms) - ms) / 60_000);
  if (offset === 0) return timestamp(ms);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const two = (count: number) => String(count).padStart(2, '0');
  const sign = offset < 0 ? '-' : '+';
  return timestamp(local(ms)).replace('Z', `${sign}${two(hours)}:${two(minutes)}`);
}
