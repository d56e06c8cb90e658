/** When a pod has to leave its node for a taint with the effect NoExecute. Pure. After pkg/controller/tainteviction. */
import type { Node, Pod, Taint } from '#api/resources/types.ts';
import { tolerates } from '#controller/workload/tolerations.ts';

export const evicting = (node: Node | undefined): Taint[] =>
  (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

/**
 * The time at which the pod must go: at once for a taint it does not tolerate, later for one that it tolerates for a while;
 * undefined: it may stay. `seenMs`: when the pod was first seen under its node's taints, for those that do not say
 * themselves when they were added.
 */
export function evictionMs(pod: Pod, node: Node | undefined, seenMs: number): number | undefined {
  let earliest: number | undefined;
  for (const taint of evicting(node)) {
    const until = toleratedUntilMs(pod, taint, seenMs);
    if (until !== undefined) earliest = Math.min(earliest ?? until, until);
  }
  return earliest;
}

/** Of several tolerations the shortest counts. */
function toleratedUntilMs(pod: Pod, taint: Taint, seenMs: number): number | undefined {
  const matching = (pod.spec?.tolerations ?? []).filter((one) => tolerates(one, taint));
  if (matching.length === 0) return seenMs;
  const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (limits.length === 0) return undefined;
  const sinceMs = taint.timeAdded === undefined ? seenMs : Date.parse(taint.timeAdded);
  return sinceMs + Math.max(0, Math.min(...limits)) * 1_000;
}
