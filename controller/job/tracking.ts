/** A Job's pods: which are counted, by which index, and how they ended. After pkg/controller/job. */
import type { Job, Pod } from '#api/resources/types.ts';
import { hasFinalizer } from '#controller/runtime/finalizer.ts';
import { isLeaving } from '#controller/workload/pod-state.ts';

/** On each pod of a Job until the Job has counted it: no pod goes uncounted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexKey = 'batch.kubernetes.io/job-completion-index';
export const failuresKey = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredKey = 'batch.kubernetes.io/job-index-ignored-failure-count';
export const jobNameLabel = 'batch.kubernetes.io/job-name';

export const isTracked = (pod: Pod): boolean => hasFinalizer(pod, trackingFinalizer);

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed';

/** Whether each index has a number of retries of its own. */
export const hasLimitPerIndex = (job: Job): boolean =>
  isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;

/** The pod's index; undefined: it has none, or none that the Job wants. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexKey];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const index = Number(text);
  return index < (job.spec?.completions ?? 0) ? index : undefined;
}

export const isSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';

/** Failed, or about to go: unless the Job waits for the end, a pod that is being deleted will not succeed any more. */
export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (job.spec?.podReplacementPolicy === 'Failed') return false;
  return isLeaving(pod) && !isSucceeded(pod);
}

const annotated = (pod: Pod, key: string): number => {
  const count = Number(pod.metadata.annotations?.[key] ?? 0);
  return Number.isInteger(count) && count >= 0 ? count : 0;
};

/** How often the index had failed before this pod. */
export const failuresBefore = (pod: Pod): number => annotated(pod, failuresKey);
export const ignoredBefore = (pod: Pod): number => annotated(pod, ignoredKey);

/**
 * When the pod ended: its last container's end, or else when it ceased to be ready, or was asked to go; of a pod that
 * tells nothing, its birth. Never now: time has to pass until the next is tried.
 */
export function endedMs({ metadata, status }: Pod, nowMs: number): number {
  const ends = (status?.containerStatuses ?? []).flatMap(({ state }) =>
    state?.terminated?.finishedAt === undefined ? [] : Date.parse(state.terminated.finishedAt),
  );
  if (ends.length > 0) return Math.max(...ends);
  const unready = status?.conditions?.find((one) => one.type === 'Ready' && one.status === 'False');
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = metadata;
  const asked = Date.parse(deletionTimestamp ?? '') - deletionGracePeriodSeconds * 1_000;
  const known = [
    Date.parse(unready?.lastTransitionTime ?? ''),
    asked,
    Date.parse(creationTimestamp ?? ''),
  ];
  return known.find((ms) => !Number.isNaN(ms)) ?? nowMs;
}
