/** Which pods a Job makes and dismisses, and when the next may be tried. After job_controller.go `manageJob`. */
import type { Job, Pod, PodSpec } from '#api/resources/types.ts';
import { isLeaving } from '#controller/workload/pod-state.ts';
import { freshNames, podOf } from '#controller/workload/pod-template.ts';
import { deletionOrder } from '#controller/workload/rank.ts';
import { judged } from './failure-policy.ts';
import type { Tally } from './tally.ts';
import {
  endedMs,
  failuresBefore,
  failuresKey,
  hasLimitPerIndex,
  ignoredBefore,
  ignoredKey,
  indexKey,
  indexOf,
  isFailed,
  isIndexed,
  isSucceeded,
  isTracked,
  trackingFinalizer,
} from './tracking.ts';

export interface Changes {
  readonly create: readonly Pod[];
  /** Not wanted any more, and no failures: they lose the finalizer and are deleted. */
  readonly dismiss: readonly Pod[];
  readonly againMs?: number;
}

/** More in one run would keep others waiting; the rest follows in the next. */
const burst = 500;
/** The next pod after a failure comes 10 s later, doubled up to 10 minutes (job_controller.go). */
const firstDelayMs = 10_000;
const longestDelayMs = 600_000;

const delayMs = (failures: number): number =>
  failures <= 0 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 30));

/** How many pods should be running now. */
function wanted(job: Job, tally: Tally): number {
  const { completions, parallelism = 1 } = job.spec ?? {};
  if (completions === undefined) return tally.succeeded > 0 ? tally.active.length : parallelism;
  const left = completions - tally.succeeded - tally.failedIndexes.size;
  return Math.max(0, Math.min(parallelism, left));
}

export function changesOf(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Changes {
  const count = wanted(job, tally);
  const dismiss = surplus(job, tally.active, tally.active.length - count).slice(0, burst);
  if (dismiss.length > 0) return { create: [], dismiss };
  const waiting = job.spec?.podReplacementPolicy === 'Failed' ? tally.terminating : 0;
  const missing = Math.min(count - waiting - tally.active.length, burst);
  if (missing <= 0) return { create: [], dismiss: [] };
  if (hasLimitPerIndex(job)) return perIndex(job, pods, tally, missing, nowMs);
  const waitMs = remainingMs(job, pods, nowMs);
  if (waitMs > 0) return { create: [], dismiss: [], againMs: waitMs };
  const places = isIndexed(job) ? pendingIndexes(job, tally).slice(0, missing) : undefined;
  const blank = places ?? Array.from({ length: missing }, () => undefined);
  return {
    create: made(
      job,
      pods,
      blank.map((index) => ({ index })),
    ),
    dismiss: [],
  };
}

/** Pods that have no index, or one that another has, go first; then as everywhere. */
function surplus(job: Job, active: readonly Pod[], tooMany: number): Pod[] {
  const order = deletionOrder(active);
  const [rejected, kept]: [Pod[], Pod[]] = [[], []];
  const taken = new Set<number>();
  for (const pod of order.toReversed()) {
    const index = indexOf(job, pod);
    const fits = !isIndexed(job) || (index !== undefined && !taken.has(index));
    (fits ? kept : rejected).push(pod);
    if (index !== undefined) taken.add(index);
  }
  const more = kept.toReversed().slice(0, Math.max(0, tooMany - rejected.length));
  return [...rejected, ...more];
}

/** Indexes that nobody works on, the lowest first. */
function pendingIndexes(job: Job, { active, succeededIndexes, failedIndexes }: Tally): number[] {
  const busy = new Set(active.map((pod) => indexOf(job, pod)));
  const pending: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0); index += 1) {
    const done = succeededIndexes.has(index) || failedIndexes.has(index);
    if (!done && !busy.has(index)) pending.push(index);
  }
  return pending;
}

/** How long to wait after the failures since the last success. Pods that we sent away ourselves are none. */
function remainingMs(job: Job, pods: readonly Pod[], nowMs: number): number {
  const lastSuccess = Math.max(0, ...pods.filter(isSucceeded).map((pod) => endedMs(pod, nowMs)));
  const failures = pods
    .filter((pod) => isFailed(job, pod) && (isTracked(pod) || !isLeaving(pod)))
    .map((pod) => endedMs(pod, nowMs))
    .filter((ms) => ms > lastSuccess);
  return failures.length === 0 ? 0 : Math.max(...failures) + delayMs(failures.length) - nowMs;
}

/** The last pod of each index, if it failed: it keeps its finalizer until the next has taken over its number of failures. */
export function lastFailures(job: Job, pods: readonly Pod[]): Map<number, Pod> {
  const last = new Map<number, Pod>();
  const tries = (pod: Pod) => failuresBefore(pod) + ignoredBefore(pod);
  for (const pod of pods) {
    const index = indexOf(job, pod);
    if (index === undefined) continue;
    const held = last.get(index);
    if (held === undefined || tries(pod) > tries(held)) last.set(index, pod);
  }
  for (const [index, pod] of last) if (!isFailed(job, pod)) last.delete(index);
  return last;
}

function perIndex(
  job: Job,
  pods: readonly Pod[],
  tally: Tally,
  missing: number,
  nowMs: number,
): Changes {
  const last = lastFailures(job, pods);
  const waits: number[] = [];
  const ready = pendingIndexes(job, tally).filter((index) => {
    const pod = last.get(index);
    if (pod === undefined) return true;
    const tries = failuresBefore(pod) + ignoredBefore(pod) + 1;
    const waitMs = endedMs(pod, nowMs) + delayMs(tries) - nowMs;
    if (waitMs > 0) waits.push(waitMs);
    return waitMs <= 0;
  });
  const places = ready.slice(0, missing).map((index) => ({ index, after: last.get(index) }));
  const againMs = waits.length === 0 ? {} : { againMs: Math.min(...waits) };
  return { create: made(job, pods, places), dismiss: [], ...againMs };
}

interface Place {
  readonly index: number | undefined;
  /** The index' pod before, which failed. */
  readonly after?: Pod | undefined;
}

function made(job: Job, pods: readonly Pod[], places: readonly Place[]): Pod[] {
  const taken = pods.map(({ metadata }) => metadata.name);
  // Not of the view: a status is written before pods are made, and a pod must not be made twice.
  const nameOf = freshNames(job.metadata.uid ?? '', taken);
  return places.map((place) => newPod(job, place, nameOf));
}

function newPod(job: Job, { index, after }: Place, nameOf: (prefix: string) => string): Pod {
  const prefix = index === undefined ? `${job.metadata.name}-` : `${job.metadata.name}-${index}-`;
  const pod = podOf(job, job.spec?.template, nameOf(prefix));
  const { metadata } = pod;
  metadata.generateName = prefix;
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), trackingFinalizer])];
  if (index === undefined) return pod;
  metadata.annotations = {
    ...metadata.annotations,
    [indexKey]: String(index),
    ...counts(job, after),
  };
  metadata.labels = { ...metadata.labels, [indexKey]: String(index) };
  const spec = pod.spec ?? { containers: [] };
  return { ...pod, spec: numbered({ ...spec, hostname: `${job.metadata.name}-${index}` }) };
}

function counts(job: Job, after: Pod | undefined): Record<string, string> {
  if (!hasLimitPerIndex(job)) return {};
  const ignored = after !== undefined && judged(job, after).action === 'Ignore';
  const failures = after === undefined ? 0 : failuresBefore(after) + (ignored ? 0 : 1);
  const passed = after === undefined ? 0 : ignoredBefore(after) + (ignored ? 1 : 0);
  return {
    [failuresKey]: String(failures),
    ...(passed > 0 ? { [ignoredKey]: String(passed) } : {}),
  };
}

const indexVariable = 'JOB_COMPLETION_INDEX';

/** Every container is told its index. */
function numbered(spec: PodSpec): PodSpec {
  const variable = {
    name: indexVariable,
    valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${indexKey}']` } },
  };
  const told = <C extends { env?: { name: string }[] }>(containers: readonly C[]): C[] =>
    containers.map((container) => {
      const env = container.env ?? [];
      const known = env.some(({ name }) => name === indexVariable);
      return known ? container : { ...container, env: [...env, variable] };
    });
  const { initContainers } = spec;
  return {
    ...spec,
    containers: told(spec.containers),
    ...(initContainers === undefined ? {} : { initContainers: told(initContainers) }),
  };
}
