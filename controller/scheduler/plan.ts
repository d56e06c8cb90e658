/** Where a pod goes: filter the nodes that can take it, score what is left, make room if nothing is. Pure. */
import type { Node, Pod } from '#api/resources/types.ts';
import { type Facts, factsOf } from './facts.ts';
import { filter, type View } from './filters.ts';
import { helpless, type Obstacle } from './obstacle.ts';
import { ineligible, preempt } from './preempt.ts';
import { best } from './score.ts';
import { hasEnded, type UsageView } from './usage.ts';

export type Placement =
  /** `looked`: how many nodes were looked at. */
  | { readonly type: 'bind'; readonly node: string; readonly looked: number }
  /** The pod gets the node when the victims have left it. */
  | {
      readonly type: 'preempt';
      readonly node: string;
      readonly victims: readonly Pod[];
      readonly message: string;
    }
  /** `message` is kube-scheduler's: how many nodes failed for which reason, and why nobody is driven away. */
  | {
      readonly type: 'unschedulable';
      readonly message: string;
      /** Room is being made for it: the node it was promised stays its own. */
      readonly promised: boolean;
    };

/** Whether the pod waits for us. */
export function isPending(pod: Pod): boolean {
  const { nodeName = '', schedulerName = 'default-scheduler', schedulingGates } = pod.spec ?? {};
  return (
    nodeName === '' &&
    schedulerName === 'default-scheduler' &&
    (schedulingGates ?? []).length === 0 &&
    pod.metadata.deletionTimestamp === undefined &&
    !hasEnded(pod)
  );
}

/**
 * Of so many nodes that can take a pod the best is chosen. Looking at more costs with every pod, and the next one begins
 * where this one ended (kube-scheduler's `numFeasibleNodesToFind` has the same least, and takes up to half of the nodes).
 */
const enough = 100;

/** The pod's place, as things are. `from`: the node to begin with, so that in a large cluster all have their turn. */
export function plan(
  pod: Pod,
  nodes: Iterable<Node>,
  usage: UsageView,
  facts: Facts = factsOf(nodes),
  from = 0,
): Placement {
  const view: View = { pod, nodes, usage, facts };
  const { blocked, check } = filter(view);
  const all = [...nodes];
  const promised = facts.node(pod.status?.nominatedNodeName ?? '');
  if (promised !== undefined && blocked === undefined && check(promised).length === 0) {
    return { type: 'bind', node: promised.metadata.name, looked: 0 };
  }
  const feasible: Node[] = [];
  const refused: [Node, readonly Obstacle[]][] = [];
  for (let i = 0; i < all.length && feasible.length < enough; i += 1) {
    const node = all[(from + i) % all.length] as Node;
    const obstacles = blocked === undefined ? check(node) : [helpless(blocked)];
    if (obstacles.length === 0) feasible.push(node);
    else refused.push([node, obstacles]);
  }
  if (feasible.length === 0) return elsewhere(view, refused, blocked);
  const looked = feasible.length + refused.length;
  return { type: 'bind', node: best(view, feasible), looked };
}

/** No node can take the pod as things are. */
function elsewhere(
  view: View,
  refused: readonly (readonly [Node, readonly Obstacle[]])[],
  blocked: string | undefined,
): Placement {
  const why = failure(refused, blocked);
  if (refused.length === 0) return { type: 'unschedulable', message: why, promised: false };
  const not = ineligible(view);
  const made = not ?? preempt(view, refused);
  if (typeof made !== 'string') return { type: 'preempt', ...made, message: why };
  const promised = not?.includes('nominated') === true;
  return { type: 'unschedulable', message: `${why} preemption: ${made}`, promised };
}

function failure(
  refused: readonly (readonly [Node, readonly Obstacle[]])[],
  blocked: string | undefined,
): string {
  if (refused.length === 0) return 'no nodes available to schedule pods';
  const reasons = new Map<string, number>();
  for (const [, obstacles] of refused) {
    for (const { reason } of obstacles) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${refused.length} nodes are available: ${blocked ?? parts.join(', ')}.`;
}
