/** What is asked of a pod by those who own it: whether it works, since when, and how it ended. */
import type { Pod } from '#api/resources/types.ts';
import { conditionOf, isTrue } from '#controller/runtime/conditions.ts';

export const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

export const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

/** Whether the pod has not ended and is not being deleted. */
export const isActive = (pod: Pod): boolean => !isLeaving(pod) && !hasEnded(pod);

export const isReady = ({ status }: Pod): boolean => isTrue(status?.conditions, 'Ready');

/** When the pod counts as available: ready for `minReadySeconds`; undefined: it is not ready. */
function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = conditionOf(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1_000;
}

/** Whether the pod has been ready for `minReadySeconds`. */
export const isAvailable = (pod: Pod, minReadySeconds: number, nowMs: number): boolean =>
  (availableAtMs(pod, minReadySeconds) ?? Number.POSITIVE_INFINITY) <= nowMs;

/** Milliseconds until the next pod becomes available by the mere passing of time. */
export function untilAvailableMs(
  pods: readonly Pod[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods
    .filter(isActive)
    .map((pod) => (availableAtMs(pod, minReadySeconds) ?? 0) - nowMs)
    .filter((ms) => ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
