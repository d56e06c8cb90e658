/** The status of a ReplicaSet, from its pods. */
import { matchesLabels, requireLabels } from '#api/resources/selector.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import {
  conditionOf,
  isTrue,
  withCondition,
  withoutCondition,
} from '#controller/runtime/conditions.ts';
import { isActive } from './claim.ts';

type Status = NonNullable<ReplicaSet['status']>;
type Conditions = Status['conditions'];

export interface Failure {
  readonly reason: string;
  readonly message: string;
}

/** When the pod counts as available: ready for `minReadySeconds`; undefined: it is not ready. */
function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = conditionOf(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1_000;
}

/** Milliseconds until the next pod becomes available by the mere passing of time. */
export function untilAvailableMs(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
): number | undefined {
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  if (minReadySeconds === 0) return undefined;
  const waits = pods
    .filter(isActive)
    .map((pod) => (availableAtMs(pod, minReadySeconds) ?? 0) - nowMs)
    .filter((ms) => ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
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
  const ready = active.filter(({ status }) => isTrue(status?.conditions, 'Ready'));
  const available = ready.filter(
    (pod) => (availableAtMs(pod, minReadySeconds) ?? Number.POSITIVE_INFINITY) <= nowMs,
  );
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

/** Kubernetes leaves these counts out when they are 0. */
const positive = <Name extends string>(name: Name, count: number) =>
  (count === 0 ? {} : { [name]: count }) as { [N in Name]?: number };
