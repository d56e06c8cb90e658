/** Preferred node affinity. */
import type { Node, Pod } from '#api/resources/types.ts';
import { meetsTerm } from '#controller/workload/node-affinity.ts';

/** The weights of the preferred terms that the node meets, as a share of all weights: 0 to 1. */
export function preference(pod: Pod, node: Node): number {
  const preferred =
    pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const all = preferred.reduce((sum, { weight }) => sum + weight, 0);
  if (all === 0) return 0;
  const met = preferred.filter((term) => meetsTerm(term.preference, node));
  return met.reduce((sum, { weight }) => sum + weight, 0) / all;
}
