/** Which of the nodes that can take a pod is best for it. Pure. */

import { controllerOf } from '#api/resources/meta.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import { preference } from './affinity.ts';
import type { View } from './filters.ts';
import { affinityScore } from './pod-affinity.ts';
import { allocatableOf, requestsOf } from './resources.ts';
import { spreadScore } from './spread.ts';
import { disliked } from './taints.ts';
import type { UsageView } from './usage.ts';

type Score = (node: Node) => number;

/** kube-scheduler weighs wishes about other pods and even spreading twice as much as free room. */
const wishWeight = 2;

/** The mean share of CPU, memory and pods that stays free; preferences count as much as all of it. */
function room(pod: Pod, node: Node, usage: UsageView): number {
  const allocatable = allocatableOf(node);
  const used = usage.of(node.metadata.name);
  const wanted = requestsOf(pod);
  let free = 0;
  for (const name of ['cpu', 'memory', 'pods']) {
    const all = allocatable.get(name) ?? 0;
    if (all === 0) continue;
    free += Math.max(0, 1 - ((used.get(name) ?? 0) + (wanted.get(name) ?? 0)) / all);
  }
  return free / 3 + preference(pod, node) - disliked(pod, node);
}

/** Replicas of one controller rather on different nodes (kube-scheduler's default constraint by hostname). */
function siblingScore(pod: Pod, usage: UsageView): Score | undefined {
  const uid = controllerOf(pod)?.uid;
  if (uid === undefined || pod.spec?.topologySpreadConstraints !== undefined) return undefined;
  const counts = usage.siblings(uid);
  return counts.size === 0 ? undefined : (node) => -(counts.get(node.metadata.name) ?? 0);
}

/** The scores between 0 (the worst node's) and 1 (the best one's); none if all are the same. */
function normalised(nodes: readonly Node[], score: Score | undefined): number[] | undefined {
  if (score === undefined) return undefined;
  const raw = nodes.map(score);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const points of raw) {
    least = Math.min(least, points);
    most = Math.max(most, points);
  }
  return most === least ? undefined : raw.map((points) => (points - least) / (most - least));
}

/** The best of the nodes (at least one); of equally good ones the first by name. */
export function best({ pod, usage, facts }: View, nodes: readonly Node[]): string {
  const wishes =
    nodes.length < 2
      ? []
      : [
          { points: normalised(nodes, affinityScore(pod, usage, facts)), weight: wishWeight },
          { points: normalised(nodes, spreadScore(pod, nodes, usage)), weight: wishWeight },
          { points: normalised(nodes, siblingScore(pod, usage)), weight: 1 },
        ].filter(({ points }) => points !== undefined);
  let found: { name: string; score: number } | undefined;
  for (const [i, node] of nodes.entries()) {
    const { name } = node.metadata;
    let score = room(pod, node, usage);
    for (const { points, weight } of wishes) score += weight * (points?.[i] ?? 0);
    const better = found === undefined || score > found.score;
    if (better || (score === found?.score && name < found.name)) found = { name, score };
  }
  return found?.name ?? '';
}
