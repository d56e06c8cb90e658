/** Taints, and the tolerations against them. */
import type { Node, Pod, Taint } from '#api/resources/types.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import { tolerates } from '#controller/workload/tolerations.ts';

const notReady: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** The node's taints, and the one that a node which is not ready will get: no pod should slip in before. */
function taintsOf(node: Node): readonly Taint[] {
  const taints = node.spec?.taints ?? [];
  return isTrue(node.status?.conditions, 'Ready') ? taints : [...taints, notReady];
}

/** The first taint that keeps the pod from the node. */
export function untolerated(pod: Pod, node: Node): Taint | undefined {
  const tolerations = pod.spec?.tolerations ?? [];
  return taintsOf(node).find(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** How many `PreferNoSchedule` taints of the node the pod does not tolerate. */
export function disliked(pod: Pod, node: Node): number {
  const tolerations = pod.spec?.tolerations ?? [];
  return (node.spec?.taints ?? []).filter(
    (taint) =>
      taint.effect === 'PreferNoSchedule' &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  ).length;
}
