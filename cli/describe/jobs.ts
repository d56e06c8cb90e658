/** The descriptions of Jobs and CronJobs. */
import { humanDuration } from '#api/resources/duration.ts';
import { type JsonObject, numberOr, objectOr, objectsOf } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { describeController } from './pod.ts';
import { describePodTemplate } from './pod-template.ts';
import { longTime, selectorText, truth, type Writer } from './writer.ts';

const seconds = (value: unknown): string | undefined =>
  value === undefined ? undefined : `${value}s`;

function times(out: Writer, { startTime, completionTime }: JsonObject): void {
  if (startTime !== undefined) out.field(0, 'Start Time', longTime(startTime));
  if (completionTime === undefined) return;
  out.field(0, 'Completed At', longTime(completionTime));
  const ms = Date.parse(String(completionTime)) - Date.parse(String(startTime));
  if (startTime !== undefined) out.field(0, 'Duration', humanDuration(ms));
}

export function describeJob(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  if (spec['selector'] !== undefined) out.field(0, 'Selector', selectorText(spec['selector']));
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  describeController(out, object);
  out.optional(0, 'Parallelism', spec['parallelism']);
  out.field(0, 'Completions', spec['completions'] ?? '<unset>');
  out.optional(0, 'Completion Mode', spec['completionMode']);
  out.optional(0, 'Suspend', spec['suspend']);
  out.optional(0, 'Backoff Limit', spec['backoffLimit']);
  out.optional(0, 'TTL Seconds After Finished', spec['ttlSecondsAfterFinished']);
  times(out, status);
  out.optional(0, 'Active Deadline Seconds', seconds(spec['activeDeadlineSeconds']));
  const count = (field: string) => numberOr(status[field]);
  const ready = status['ready'] === undefined ? '' : ` (${status['ready']} Ready)`;
  out.field(
    0,
    'Pods Statuses',
    `${count('active')} Active${ready} / ${count('succeeded')} Succeeded / ${count('failed')} Failed`,
  );
  if (spec['completionMode'] === 'Indexed')
    out.field(0, 'Completed Indexes', status['completedIndexes'] || '<none>');
  describePodTemplate(out, spec['template']);
}

export function describeCronJob(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const { lastScheduleTime, active } = objectOr(object['status']);
  const job = objectOr(objectOr(spec['jobTemplate'])['spec']);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.field(0, 'Schedule', spec['schedule']);
  out.field(0, 'Concurrency Policy', spec['concurrencyPolicy']);
  out.field(0, 'Suspend', truth(spec['suspend']));
  const unset = (value: unknown) => value ?? '<unset>';
  out.field(0, 'Successful Job History Limit', unset(spec['successfulJobsHistoryLimit']));
  out.field(0, 'Failed Job History Limit', unset(spec['failedJobsHistoryLimit']));
  out.field(0, 'Starting Deadline Seconds', unset(seconds(spec['startingDeadlineSeconds'])));
  const { selector } = job;
  out.field(0, 'Selector', selector === undefined ? '<unset>' : selectorText(selector));
  out.field(0, 'Parallelism', unset(job['parallelism']));
  out.field(0, 'Completions', unset(job['completions']));
  out.optional(0, 'Active Deadline Seconds', seconds(job['activeDeadlineSeconds']));
  describePodTemplate(out, job['template']);
  const last = lastScheduleTime === undefined ? '<unset>' : longTime(lastScheduleTime);
  out.field(0, 'Last Schedule Time', last);
  const names = objectsOf(active).map(({ name }) => name);
  out.field(0, 'Active Jobs', names.length === 0 ? '<none>' : names.join(', '));
}
