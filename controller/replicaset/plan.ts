/** What a ReplicaSet wants done: as many pods as it says, its own marked as its own, the rest told in its status. Pure. */
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { type Claim, claimed } from '#controller/workload/claim.ts';
import { isActive } from '#controller/workload/pod-state.ts';
import { freshNames, podOf, viewOf } from '#controller/workload/pod-template.ts';
import { deletionOrder } from '#controller/workload/rank.ts';
import { selectorOf } from '#controller/workload/selecting.ts';

export interface Plan extends Claim<Pod> {
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
}

/** More in one run would keep others waiting; the rest follows in the next (Kubernetes' `BurstReplicas`). */
const burst = 500;

/** `pods`: all of the namespace that the ReplicaSet controls or might adopt. */
export function plan(replicaSet: ReplicaSet, pods: readonly Pod[]): Plan {
  const selector = selectorOf(replicaSet);
  const claim = claimed({ owner: replicaSet, selector, adoptable: isActive }, pods);
  const idle = { ...claim, create: [], remove: [] };
  if (replicaSet.metadata.deletionTimestamp !== undefined) return idle;
  const active = [...claim.own, ...claim.adopt].filter(isActive);
  const missing = (replicaSet.spec?.replicas ?? 1) - active.length;
  // Sorting all of them costs, and a ReplicaSet is looked at with every change of a pod.
  if (missing === 0) return idle;
  if (missing > 0) return { ...idle, create: newPods(replicaSet, pods, Math.min(missing, burst)) };
  const tooMany = Math.min(-missing, burst);
  return { ...idle, remove: deletionOrder(active).slice(0, tooMany) };
}

function newPods(replicaSet: ReplicaSet, pods: readonly Pod[], count: number): Pod[] {
  const taken = pods.map((pod) => pod.metadata.name);
  const nameOf = freshNames(viewOf(replicaSet), taken);
  const { template } = replicaSet.spec ?? {};
  const name = `${replicaSet.metadata.name}-`;
  return Array.from({ length: count }, () => podOf(replicaSet, template, nameOf(name)));
}
