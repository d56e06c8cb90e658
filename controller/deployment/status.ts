/** A Deployment's status but for its progress (`progress.ts`): counts, and whether enough pods are available. */
import type { Deployment, DeploymentCondition, ReplicaSet } from '#api/resources/types.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { positive } from '#controller/workload/share.ts';
import { boundsOf, totalOf, totalSize } from './sizes.ts';

export type Status = NonNullable<Deployment['status']>;
export type Conditions = readonly DeploymentCondition[];

export interface NewCondition {
  readonly type: 'Available' | 'Progressing' | 'ReplicaFailure';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/**
 * The conditions with `next` among them. The same status and reason again changes nothing; else `lastUpdateTime` is now,
 * and `lastTransitionTime` too if the status is another (`SetDeploymentCondition`).
 */
export function withCondition(held: Conditions, next: NewCondition, nowMs: number): Conditions {
  const before = conditionOf(held, next.type);
  if (before?.status === next.status && before.reason === next.reason) return held;
  return renewed(held, next, nowMs);
}

/** As `withCondition`, but `lastUpdateTime` is now in any case: the same state, reached anew. */
export function renewed(held: Conditions, next: NewCondition, nowMs: number): Conditions {
  const before = conditionOf(held, next.type);
  const now = timestamp(nowMs);
  const since = before?.status === next.status ? before.lastTransitionTime : undefined;
  const condition: DeploymentCondition = {
    ...next,
    lastUpdateTime: now,
    lastTransitionTime: since ?? now,
  };
  return [...held.filter(({ type }) => type !== next.type), condition];
}

/** The counts, and the condition `Available`. `conditions` are those to start from. */
export function countedStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  conditions: Conditions,
  nowMs: number,
): Status {
  const all = newest === undefined ? old : [...old, newest];
  const { replicas, maxUnavailable } = boundsOf(deployment);
  const available = totalOf(all, 'availableReplicas');
  const enough = available >= replicas - maxUnavailable;
  const condition: NewCondition = enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...positive('replicas', totalOf(all, 'replicas')),
    ...positive('updatedReplicas', newest?.status?.replicas ?? 0),
    ...positive('readyReplicas', totalOf(all, 'readyReplicas')),
    ...positive('availableReplicas', available),
    ...positive('unavailableReplicas', Math.max(0, totalSize(all) - available)),
    terminatingReplicas: totalOf(all, 'terminatingReplicas'),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: [...withCondition(conditions, condition, nowMs)],
  };
}
