/** The status of a ReplicaSet, from its pods. */
import { matchesLabels, requireLabels } from '#api/resources/selector.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf, withCondition, withoutCondition } from '#controller/runtime/conditions.ts';
import { isActive, isAvailable, isReady } from '#controller/workload/pod-state.ts';
import { positive } from '#controller/workload/share.ts';

type Status = NonNullable<ReplicaSet['status']>;
type Conditions = Status['conditions'];

export interface Failure {
  readonly reason: string;
  readonly message: string;
}

/** `failure`: why pods could not be created or deleted; undefined clears the condition. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
  failure?: Failure,
): Status {
  const active = pods.filter(isActive);
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  const template = requireLabels(replicaSet.spec?.template?.metadata?.labels ?? {});
  const labelled = active.filter(({ metadata }) => matchesLabels(template, metadata.labels));
  const ready = active.filter(isReady);
  const available = active.filter((pod) => isAvailable(pod, minReadySeconds, nowMs));
  const leaving = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const held = replicaSet.status?.conditions;
  const conditions = withFailure(held, failure, nowMs);
  return {
    replicas: active.length,
    ...positive('fullyLabeledReplicas', labelled.length),
    ...positive('readyReplicas', ready.length),
    ...positive('availableReplicas', available.length),
    terminatingReplicas: leaving.length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
  };
}

/**
 * The same reason again changes nothing, whatever the message says: it names the pod, another each time, and a status
 * that changes with every failure would bring on the next at once.
 */
function withFailure(held: Conditions, failure: Failure | undefined, nowMs: number) {
  if (failure === undefined) return withoutCondition(held, 'ReplicaFailure');
  if (conditionOf(held, 'ReplicaFailure')?.reason === failure.reason) return held ?? [];
  const failed = { type: 'ReplicaFailure', status: 'True', ...failure };
  return withCondition(held, failed, timestamp(nowMs));
}
