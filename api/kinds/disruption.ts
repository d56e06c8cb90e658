/** What an eviction asks of a PodDisruptionBudget (pkg/registry/core/pod/storage/eviction.go). Pure. */
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type JsonObject, numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import { failure, forbidden, type StatusError } from '#api/resources/status.ts';
import type { LabelSelector } from '#api/resources/types.ts';

const budgets = { group: 'policy', plural: 'poddisruptionbudgets' };

/** More evictions than this are not under way at once: the controller must confirm some first. */
const disruptedMax = 2_000;
/** When a client may ask again while the controller has not seen the budget's change yet. */
const settleSeconds = 10;

const statusOf = (object: KubeObject): JsonObject => objectOr(object['status']);

/** Budgets of the pod's namespace that select it. */
export function budgetsFor(pod: KubeObject, all: readonly KubeObject[]): KubeObject[] {
  return all.filter((budget) => {
    const selector = objectOr(budget['spec'])['selector'] as LabelSelector | undefined;
    return matchesLabels(labelSelectorOf(selector ?? undefined), pod.metadata.labels);
  });
}

/** A pod that has ended, has not begun or is going already serves nobody. */
export function needsBudget(pod: KubeObject): boolean {
  const phase = stringOr(statusOf(pod)['phase']);
  const serves = phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
  return serves && pod.metadata.deletionTimestamp === undefined;
}

const isReady = (pod: KubeObject): boolean =>
  objectsOf(statusOf(pod)['conditions']).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );

/** Whether the pod may go without counting: it is not healthy, and the budget does not mind. */
export function isFree(pod: KubeObject, budget: KubeObject): boolean {
  if (isReady(pod)) return false;
  if (objectOr(budget['spec'])['unhealthyPodEvictionPolicy'] === 'AlwaysAllow') return true;
  const { currentHealthy, desiredHealthy } = statusOf(budget);
  const desired = numberOr(desiredHealthy);
  return desired > 0 && numberOr(currentHealthy) >= desired;
}

function tooMany(message: string, retryAfterSeconds?: number): StatusError {
  const what = "Cannot evict pod as it would violate the pod's disruption budget.";
  return failure(429, 'TooManyRequests', what, {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function blocked(budget: KubeObject): StatusError {
  const { name } = budget.metadata;
  const { currentHealthy, desiredHealthy, conditions } = statusOf(budget);
  const failed = objectsOf(conditions).find(
    ({ type, status, reason }) =>
      type === 'DisruptionAllowed' && status === 'False' && reason === 'SyncFailed',
  );
  if (failed !== undefined) {
    const why = stringOr(failed['message']);
    return tooMany(
      `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${why}`,
    );
  }
  const counts = `needs ${numberOr(desiredHealthy)} healthy pods and has ${numberOr(currentHealthy)} currently`;
  return tooMany(`The disruption budget ${name} ${counts}`);
}

/** The budget with one disruption less, and the pod among those that are going. 429 or 403 if it has none left. */
export function withDisruption(
  budget: KubeObject,
  pod: KubeObject,
  now: Date,
): Either<StatusError, KubeObject> {
  const status = statusOf(budget);
  const { name, generation = 0 } = budget.metadata;
  const disrupted = objectOr(status['disruptedPods']);
  const allowed = numberOr(status['disruptionsAllowed']);
  if (numberOr(status['observedGeneration']) < generation) {
    const what = `The disruption budget ${name} is still being processed by the server.`;
    return left(tooMany(what, settleSeconds));
  }
  if (allowed < 0) return left(forbidden(budgets, name, 'pdb disruptions allowed is negative'));
  if (Object.keys(disrupted).length > disruptedMax) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    return left(forbidden(budgets, name, why));
  }
  if (allowed === 0) return left(blocked(budget));
  const time = `${now.toISOString().slice(0, 19)}Z`;
  const remaining = allowed - 1;
  return right({
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: remaining,
      disruptedPods: { ...disrupted, [pod.metadata.name]: time },
      ...(remaining > 0
        ? {}
        : { conditions: exhausted(objectsOf(status['conditions']), generation, time) }),
    },
  });
}

function exhausted(conditions: readonly JsonObject[], observedGeneration: number, time: string) {
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration,
    lastTransitionTime: time,
  };
  return [...conditions.filter(({ type }) => type !== condition.type), condition];
}

/** The pod with the condition that tells a Job's policy, and people, why it went. */
export function evictedPod(pod: KubeObject, now: Date): KubeObject {
  const status = statusOf(pod);
  const held = objectsOf(status['conditions']);
  if (held.some((one) => one['type'] === 'DisruptionTarget' && one['status'] === 'True'))
    return pod;
  const { generation } = pod.metadata;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: `${now.toISOString().slice(0, 19)}Z`,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  const conditions = [...held.filter(({ type }) => type !== 'DisruptionTarget'), condition];
  return { ...pod, status: { ...status, conditions } };
}
