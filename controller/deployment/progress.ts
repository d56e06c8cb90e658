/** How a rollout goes on: the condition `Progressing`, with Kubernetes' reasons (deployment/progress.go). */
import type { Deployment, ReplicaSet } from '#api/resources/types.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import {
  type Conditions,
  type NewCondition,
  renewed,
  type Status,
  withCondition,
} from './status.ts';

const progressing = (
  status: NewCondition['status'],
  reason: string,
  message: string,
): NewCondition => ({ type: 'Progressing', status, reason, message });

const deadlineOf = (deployment: Deployment): number | undefined => {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  // The largest 32-bit number is how old clients say "none".
  return seconds === undefined || seconds >= 0x7fff_ffff ? undefined : seconds;
};

/** Paused and resumed are told before all else, so that a pause does not run into the deadline. */
export function pausedConditions(deployment: Deployment, nowMs: number): Conditions {
  const held = deployment.status?.conditions ?? [];
  if (deadlineOf(deployment) === undefined) return held;
  const reason = conditionOf(held, 'Progressing')?.reason;
  if (reason === 'ProgressDeadlineExceeded') return held;
  const wasPaused = reason === 'DeploymentPaused';
  const paused = deployment.spec?.paused === true;
  if (paused === wasPaused) return held;
  const next = paused
    ? progressing('Unknown', 'DeploymentPaused', 'Deployment is paused')
    : progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  return withCondition(held, next, nowMs);
}

/** `created`: the newest ReplicaSet is made in this run. */
export function foundConditions(
  deployment: Deployment,
  newest: ReplicaSet,
  created: boolean,
  held: Conditions,
  nowMs: number,
): Conditions {
  if (deadlineOf(deployment) === undefined) return held;
  const { name } = newest.metadata;
  if (created) {
    const message = `Created new replica set "${name}"`;
    return withCondition(held, progressing('True', 'NewReplicaSetCreated', message), nowMs);
  }
  if (conditionOf(held, 'Progressing') !== undefined) return held;
  const message = `Found new replica set "${name}"`;
  return withCondition(held, progressing('True', 'FoundNewReplicaSet', message), nowMs);
}

/** The newest ReplicaSet could not be made. */
export const createFailed = (held: Conditions, message: string, nowMs: number): Conditions =>
  withCondition(held, progressing('False', 'ReplicaSetCreateError', message), nowMs);

export function isComplete(deployment: Deployment, status: Status): boolean {
  const replicas = deployment.spec?.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: Status, after: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status) => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    old(after) < old(before)
  );
}

/** Milliseconds until the rollout is too late; negative: it is. Undefined: there is nothing to wait for. */
export function untilLateMs(
  deployment: Deployment,
  status: Status,
  nowMs: number,
): number | undefined {
  const deadline = deadlineOf(deployment);
  const held = conditionOf(status.conditions, 'Progressing');
  if (deadline === undefined || held === undefined || isComplete(deployment, status)) {
    return undefined;
  }
  const ends = ['NewReplicaSetAvailable', 'ProgressDeadlineExceeded', 'DeploymentPaused'];
  if (ends.includes(held.reason ?? '')) return undefined;
  return Date.parse(held.lastUpdateTime ?? '') + deadline * 1_000 - nowMs;
}

/** The status with what is to be said of the rollout: complete, on its way, too late; and pods that cannot be made. */
export function withProgress(
  deployment: Deployment,
  status: Status,
  sets: { readonly newest: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] },
  nowMs: number,
): Status {
  const { newest, old } = sets;
  let conditions = status.conditions ?? [];
  if (deadlineOf(deployment) === undefined) {
    conditions = conditions.filter(({ type }) => type !== 'Progressing');
  } else conditions = [...rolloutConditions(deployment, status, newest, nowMs)];
  const failures = [newest, ...old].map((set) =>
    conditionOf(set?.status?.conditions, 'ReplicaFailure'),
  );
  const failure = failures.find((condition) => condition?.status === 'True');
  conditions = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (failure !== undefined) conditions.push({ ...failure });
  return { ...status, conditions };
}

function rolloutConditions(
  deployment: Deployment,
  status: Status,
  newest: ReplicaSet | undefined,
  nowMs: number,
): Conditions {
  const held = status.conditions ?? [];
  const reason = conditionOf(held, 'Progressing')?.reason;
  const settled = (status.replicas ?? 0) === (status.updatedReplicas ?? 0);
  if (settled && reason === 'NewReplicaSetAvailable') return held;
  const subject =
    newest === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newest.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(held, progressing('True', 'NewReplicaSetAvailable', message), nowMs);
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    const message = `${subject} is progressing.`;
    return renewed(held, progressing('True', 'ReplicaSetUpdated', message), nowMs);
  }
  if ((untilLateMs(deployment, status, nowMs) ?? 0) < 0) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(held, progressing('False', 'ProgressDeadlineExceeded', message), nowMs);
  }
  return held;
}
