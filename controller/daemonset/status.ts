/** The status of a DaemonSet, from its nodes and their pods. After daemon_controller.go `updateDaemonSetStatus`. */
import type { DaemonSet } from '#api/resources/types.ts';
import { revisionLabel } from '#controller/workload/history.ts';
import { isAvailable, isReady } from '#controller/workload/pod-state.ts';
import { positive } from '#controller/workload/share.ts';
import type { Place } from './plan.ts';

export type Status = NonNullable<DaemonSet['status']>;

/** Of several pods on a node the oldest counts. */
export function daemonSetStatus(
  set: DaemonSet,
  places: readonly Place[],
  hash: string,
  nowMs: number,
): Status {
  const wanted = places.filter(({ shouldRun }) => shouldRun);
  const pods = wanted.flatMap((place) => place.pods[0] ?? []);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const available = pods.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length;
  const updated = pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === hash).length;
  const { collisionCount, conditions } = set.status ?? {};
  return {
    currentNumberScheduled: pods.length,
    numberMisscheduled: places.filter((one) => !one.shouldRun && one.pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: pods.filter(isReady).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...positive('updatedNumberScheduled', updated),
    ...positive('numberAvailable', available),
    ...positive('numberUnavailable', wanted.length - available),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}
