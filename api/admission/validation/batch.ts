/** Jobs and CronJobs (`apis/batch/validation`). */
import { parseSchedule } from '#api/resources/cron.ts';
import {
  cloneJson,
  equalJson,
  isObject,
  type JsonObject,
  objectOr,
  stringOr,
} from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { checkNotNegative, checkOneOf, invalidValue, required } from './causes.ts';
import { checkJobPolicies } from './job-policies.ts';
import { checkTemplate } from './workload.ts';

const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
];
const ENDING = ['OnFailure', 'Never'];

function checkJobSpec(field: string, spec: JsonObject): StatusCause[] {
  const { completionMode, completions } = spec;
  const causes = COUNTS.flatMap((name) => checkNotNegative(`${field}.${name}`, spec[name]));
  if (completionMode !== undefined) {
    const modes = ['Indexed', 'NonIndexed'];
    causes.push(...checkOneOf(`${field}.completionMode`, completionMode, modes));
  }
  if (completionMode === 'Indexed' && (completions === undefined || completions === null)) {
    causes.push(required(`${field}.completions`, 'when completion mode is Indexed'));
  }
  if (spec['manualSelector'] === true && !isObject(spec['selector'])) {
    causes.push(required(`${field}.selector`));
  }
  return [
    ...causes,
    ...checkTemplate(`${field}.template`, spec['template'], ENDING),
    ...checkJobPolicies(field, spec),
  ];
}

export function checkJob(job: KubeObject): StatusCause[] {
  return checkJobSpec('spec', objectOr(job['spec']));
}

/** Where the pods of a job that has not begun may run can still be changed (kueue's way of admitting jobs). */
const DIRECTIVES = ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'];

function withoutDirectives(template: unknown): unknown {
  const copy = cloneJson(objectOr(template));
  const spec = objectOr(copy['spec']);
  for (const name of DIRECTIVES) delete spec[name];
  const metadata = objectOr(copy['metadata']);
  delete metadata['annotations'];
  delete metadata['labels'];
  return copy;
}

export function checkJobUpdate(job: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(job['spec']), objectOr(old['spec'])];
  const pending = before['suspend'] === true && objectOr(old['status'])['startTime'] === undefined;
  const same = (name: string): boolean => equalJson(spec[name], before[name]);
  const sameTemplate = pending
    ? equalJson(withoutDirectives(spec['template']), withoutDirectives(before['template']))
    : same('template');
  // An indexed job may be scaled: completions and parallelism together.
  const elastic =
    spec['completionMode'] === 'Indexed' && spec['completions'] === spec['parallelism'];
  const fixed = [
    ...['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex'],
    ...['successPolicy', 'managedBy'],
  ];
  const changed = [
    ...(same('completions') || elastic ? [] : ['completions']),
    ...fixed.filter((name) => !same(name)),
    ...(sameTemplate ? [] : ['template']),
  ];
  return changed.map((name) => invalidValue(`spec.${name}`, spec[name], 'field is immutable'));
}

function checkSchedule(schedule: string): StatusCause[] {
  if (schedule === '') return [required('spec.schedule')];
  try {
    parseSchedule(schedule);
    return [];
  } catch (error) {
    return [invalidValue('spec.schedule', schedule, error instanceof Error ? error.message : '')];
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function checkTimeZone(timeZone: unknown): StatusCause[] {
  if (timeZone === undefined || timeZone === null) return [];
  const name = stringOr(timeZone);
  if (name === '')
    return [invalidValue('spec.timeZone', name, 'timeZone must be nil or non-empty string')];
  if (isTimeZone(name)) return [];
  return [invalidValue('spec.timeZone', name, `unknown time zone ${name}`)];
}

/** The controller adds eleven characters for the jobs' names. */
const MAX_NAME = 52;

export function checkCronJob(cronJob: KubeObject): StatusCause[] {
  const spec = objectOr(cronJob['spec']);
  const { name } = cronJob.metadata;
  const policies = ['Allow', 'Forbid', 'Replace'];
  const counts = [
    'startingDeadlineSeconds',
    'successfulJobsHistoryLimit',
    'failedJobsHistoryLimit',
  ];
  const causes = [
    ...checkSchedule(stringOr(spec['schedule'])),
    ...checkTimeZone(spec['timeZone']),
    ...checkOneOf('spec.concurrencyPolicy', spec['concurrencyPolicy'], policies),
    ...counts.flatMap((count) => checkNotNegative(`spec.${count}`, spec[count])),
    ...checkJobSpec('spec.jobTemplate.spec', objectOr(objectOr(spec['jobTemplate'])['spec'])),
  ];
  if (typeof name === 'string' && name.length > MAX_NAME) {
    const detail = `must be no more than ${MAX_NAME} characters`;
    causes.push(invalidValue('metadata.name', name, detail));
  }
  return causes;
}
