/** What a Job does with its pods' failures and successes, and with its indexes (`apis/batch/validation`). */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { qualifiedNameProblems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  duplicate,
  invalidValue,
  notSupported,
  required,
  tooLong,
} from './causes.ts';

const MAX_INDEXED_PARALLELISM = 100_000;
const MAX_FAILED_INDEXES = 100_000;
const MAX_RULES = 20;
const MAX_MANAGED_BY = 63;

const isIndexed = (spec: JsonObject): boolean => spec['completionMode'] === 'Indexed';

function atMost(field: string, value: unknown, most: unknown, detail: string): StatusCause[] {
  const tooMany = typeof value === 'number' && typeof most === 'number' && value > most;
  return tooMany ? [invalidValue(field, value, detail)] : [];
}

export function checkJobPolicies(field: string, spec: JsonObject): StatusCause[] {
  return [
    ...checkIndexes(field, spec),
    ...checkManagedBy(`${field}.managedBy`, spec['managedBy']),
    ...checkReplacement(`${field}.podReplacementPolicy`, spec),
    ...checkFailurePolicy(`${field}.podFailurePolicy`, spec),
    ...checkSuccessPolicy(`${field}.successPolicy`, spec),
    ...checkRestart(`${field}.template.spec.restartPolicy`, spec),
  ];
}

function checkIndexes(field: string, spec: JsonObject): StatusCause[] {
  const { backoffLimitPerIndex: limit, maxFailedIndexes: failed, completions, parallelism } = spec;
  const causes: StatusCause[] = [];
  if (typeof limit === 'number' && !isIndexed(spec)) {
    const detail = 'requires indexed completion mode';
    causes.push(invalidValue(`${field}.backoffLimitPerIndex`, limit, detail));
  }
  if (typeof failed === 'number' && limit === undefined) {
    causes.push(required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  if (!isIndexed(spec)) return causes;
  const most = `must be less than or equal to ${MAX_INDEXED_PARALLELISM} when completion mode is Indexed`;
  return [
    ...causes,
    ...atMost(`${field}.parallelism`, parallelism, MAX_INDEXED_PARALLELISM, most),
    ...atMost(
      `${field}.maxFailedIndexes`,
      failed,
      completions,
      'must be less than or equal to completions',
    ),
    ...atMost(
      `${field}.maxFailedIndexes`,
      failed,
      MAX_FAILED_INDEXES,
      `must be less than or equal to ${MAX_FAILED_INDEXES}`,
    ),
  ];
}

/** A domain, a slash and a path: `example.com/jobs`. */
function checkManagedBy(field: string, value: unknown): StatusCause[] {
  if (value === undefined || value === null) return [];
  const name = stringOr(value);
  if (name === '') return [required(field)];
  const slash = name.indexOf('/');
  if (slash <= 0 || slash === name.length - 1) {
    const detail = 'must be a domain-prefixed path (such as "acme.io/foo")';
    return [invalidValue(field, name, detail)];
  }
  const causes = subdomainProblems(name.slice(0, slash)).map((why) =>
    invalidValue(field, name.slice(0, slash), why),
  );
  return name.length > MAX_MANAGED_BY ? [...causes, tooLong(field, MAX_MANAGED_BY)] : causes;
}

function checkReplacement(field: string, spec: JsonObject): StatusCause[] {
  const { podReplacementPolicy: policy, podFailurePolicy } = spec;
  if (policy === undefined || policy === null) return [];
  const all = isObject(podFailurePolicy) ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return all.includes(stringOr(policy)) ? [] : [notSupported(field, policy, all)];
}

function checkRestart(field: string, spec: JsonObject): StatusCause[] {
  const policy = objectOr(objectOr(spec['template'])['spec'])['restartPolicy'];
  if (policy !== 'OnFailure') return [];
  const demanding = isObject(spec['podFailurePolicy'])
    ? 'podFailurePolicy'
    : typeof spec['backoffLimitPerIndex'] === 'number'
      ? 'backoffLimitPerIndex'
      : undefined;
  if (demanding === undefined) return [];
  return [invalidValue(field, policy, `only "Never" is supported when ${demanding} is specified`)];
}

function tooMany(field: string, count: number, most: number): StatusCause[] {
  if (count <= most) return [];
  const message = `Too many: ${count}: must have at most ${most} items`;
  return [{ reason: 'FieldValueTooMany', message, field }];
}

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

function checkFailurePolicy(field: string, spec: JsonObject): StatusCause[] {
  const policy = spec['podFailurePolicy'];
  if (!isObject(policy)) return [];
  const rules = objectsOf(policy['rules']);
  const { initContainers, containers } = objectOr(objectOr(spec['template'])['spec']);
  const names = [...objectsOf(initContainers), ...objectsOf(containers)].map(({ name }) => name);
  return [
    ...tooMany(`${field}.rules`, rules.length, MAX_RULES),
    ...rules.flatMap((rule, i) => checkFailureRule(`${field}.rules[${i}]`, rule, spec, names)),
  ];
}

function checkFailureRule(
  field: string,
  rule: JsonObject,
  spec: JsonObject,
  names: readonly unknown[],
): StatusCause[] {
  const { action, onExitCodes } = rule;
  const conditions = objectsOf(rule['onPodConditions']);
  const causes = checkOneOf(`${field}.action`, action, ACTIONS);
  if (action === 'FailIndex' && spec['backoffLimitPerIndex'] === undefined) {
    const detail = 'requires the backoffLimitPerIndex to be set';
    causes.push(invalidValue(`${field}.action`, action, detail));
  }
  const [codes, states] = [isObject(onExitCodes), conditions.length > 0];
  if (codes && states) {
    const detail = 'specifying both OnExitCodes and OnPodConditions is not supported';
    causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field });
  } else if (!codes && !states) {
    const detail = 'specifying one of OnExitCodes and OnPodConditions is required';
    causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field });
  }
  if (codes) causes.push(...checkExitCodes(`${field}.onExitCodes`, objectOr(onExitCodes), names));
  for (const [i, { type, status }] of conditions.entries()) {
    const path = `${field}.onPodConditions[${i}]`;
    causes.push(...checkName(`${path}.type`, type, qualifiedNameProblems));
    causes.push(...checkOneOf(`${path}.status`, status, ['False', 'True', 'Unknown']));
  }
  return causes;
}

function checkExitCodes(
  field: string,
  { operator, values, containerName }: JsonObject,
  names: readonly unknown[],
): StatusCause[] {
  const causes = checkOneOf(`${field}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.includes(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    causes.push(invalidValue(`${field}.containerName`, containerName, detail));
  }
  const codes = Array.isArray(values) ? values : [];
  if (codes.length === 0) {
    causes.push(invalidValue(`${field}.values`, codes, 'at least one value is required'));
  }
  causes.push(...tooMany(`${field}.values`, codes.length, 255));
  for (const [i, code] of codes.entries()) {
    const path = `${field}.values[${i}]`;
    if (codes.indexOf(code) < i) causes.push(duplicate(path, code));
    if (operator === 'In' && code === 0) {
      causes.push(invalidValue(path, code, 'must not be 0 for the In operator'));
    }
  }
  const ordered = codes.every((code, i) => i === 0 || Number(codes[i - 1]) <= Number(code));
  return ordered ? causes : [...causes, invalidValue(`${field}.values`, codes, 'must be ordered')];
}

function checkSuccessPolicy(field: string, spec: JsonObject): StatusCause[] {
  const policy = spec['successPolicy'];
  if (!isObject(policy)) return [];
  if (!isIndexed(spec)) {
    return [invalidValue(field, policy, 'requires indexed completion mode')];
  }
  const rules = objectsOf(policy['rules']);
  if (rules.length === 0) {
    const detail = 'at least one rules must be specified when the successPolicy is specified';
    return [required(`${field}.rules`, detail)];
  }
  return [
    ...tooMany(`${field}.rules`, rules.length, MAX_RULES),
    ...rules.flatMap((rule, i) => checkSuccessRule(`${field}.rules[${i}]`, rule, spec)),
  ];
}

function checkSuccessRule(field: string, rule: JsonObject, spec: JsonObject): StatusCause[] {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  const completions = Number(spec['completions'] ?? 0);
  if (count === undefined && indexes === undefined) {
    const detail = 'at least one of succeededCount or succeededIndexes must be specified';
    return [required(field, detail)];
  }
  const causes = atMost(
    `${field}.succeededCount`,
    count,
    completions,
    `must be less than or equal to ${completions} (the number of specified completions)`,
  );
  if (indexes === undefined) return causes;
  const listed = indexCount(stringOr(indexes), completions);
  if (typeof listed === 'string') {
    const detail = `error parsing succeededIndexes: ${listed}`;
    return [...causes, invalidValue(`${field}.succeededIndexes`, indexes, detail)];
  }
  const most = `must be less than or equal to ${listed} (the number of indexes in the specified succeededIndexes field)`;
  return [...causes, ...atMost(`${field}.succeededCount`, count, listed, most)];
}

/** How many indexes `0,2-4` names, or why it cannot be read: in order, each once, none that is not wanted. */
function indexCount(text: string, completions: number): number | string {
  let [count, last] = [0, -1];
  for (const part of text.split(',')) {
    const [, first = '', , end = first] = /^(\d+)(-(\d+))?$/.exec(part) ?? [];
    if (first === '') return `cannot convert string to integer for index: ${JSON.stringify(part)}`;
    const [from, to] = [Number(first), Number(end)];
    const large = [from, to].find((index) => index >= completions);
    if (large !== undefined) return `too large index: "${large}"`;
    if (from <= last) return unordered(last, from);
    if (part.includes('-') && from >= to) return unordered(from, to);
    count += to - from + 1;
    last = to;
  }
  return count;
}

const unordered = (previous: number, current: number): string =>
  `non-increasing order, previous: ${previous}, current: ${current}`;
