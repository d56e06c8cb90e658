/** The status of a StatefulSet, from its pods. After statefulset/stateful_set_control.go `updateStatus`. */
import type { ControllerRevision, Pod, StatefulSet } from '#api/resources/types.ts';
import { isAvailable, isLeaving, isReady } from '#controller/workload/pod-state.ts';
import { positive } from '#controller/workload/share.ts';
import { replicasOf, revisionOf } from './identity.ts';

export type Status = NonNullable<StatefulSet['status']>;

export interface Revisions {
  /** What pods below the partition, or not rolled yet, are of. */
  readonly current: ControllerRevision;
  /** That of the template of now. */
  readonly update: ControllerRevision;
}

const isRunning = (pod: Pod): boolean => pod.status?.phase === 'Running';

/** Running and ready, and not about to go. */
export const isHealthy = (pod: Pod): boolean => isRunning(pod) && isReady(pod) && !isLeaving(pod);

/** Healthy, and for `minReadySeconds`: what an ordered set waits for. */
export const isRunningAndAvailable = (set: StatefulSet, pod: Pod, nowMs: number): boolean =>
  isRunning(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);

export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  nowMs: number,
): Status {
  const ready = pods.filter((pod) => isRunning(pod) && isReady(pod));
  const available = ready.filter((pod) => isRunningAndAvailable(set, pod, nowMs));
  const of = ({ metadata }: ControllerRevision): number =>
    pods.filter((pod) => !isLeaving(pod) && revisionOf(pod) === metadata.name).length;
  const { conditions } = set.status ?? {};
  const counts = {
    replicas: pods.length,
    readyReplicas: ready.length,
    currentReplicas: of(current),
    updatedReplicas: of(update),
  };
  const done = isRolledOut(set, counts);
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: counts.replicas,
    ...positive('readyReplicas', counts.readyReplicas),
    availableReplicas: available.length,
    ...positive('currentReplicas', done ? counts.updatedReplicas : counts.currentReplicas),
    ...positive('updatedReplicas', counts.updatedReplicas),
    currentRevision: (done ? update : current).metadata.name,
    updateRevision: update.metadata.name,
    // Kubernetes shows it from the start, unlike other kinds.
    collisionCount: set.status?.collisionCount ?? 0,
    ...(conditions === undefined ? {} : { conditions }),
  };
}

/** All pods are of the new revision and ready: it becomes the current one. */
function isRolledOut(
  set: StatefulSet,
  counts: { replicas: number; readyReplicas: number; updatedReplicas: number },
): boolean {
  const wanted = replicasOf(set);
  return (
    set.spec?.updateStrategy?.type === 'RollingUpdate' &&
    counts.updatedReplicas === wanted &&
    counts.readyReplicas === wanted &&
    counts.replicas === wanted
  );
}
