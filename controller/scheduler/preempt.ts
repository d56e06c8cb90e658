/** Which less important pods would have to go so that a pod finds room, and on which node that hurts least. Pure. */
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Node, Pod, PodDisruptionBudget } from '#api/resources/types.ts';
import type { Facts } from './facts.ts';
import { filter, type View } from './filters.ts';
import type { Obstacle } from './obstacle.ts';
import type { UsageView } from './usage.ts';
import { Without } from './without.ts';

export const priorityOf = ({ spec }: Pod): number => spec?.priority ?? 0;

export interface Preemption {
  readonly node: string;
  readonly victims: readonly Pod[];
}

/** A node where nobody needs to be asked twice is found among this many (kube-scheduler's default). */
const candidatesMax = 100;

interface Candidate extends Preemption {
  /** Victims that a budget would rather keep. */
  readonly violations: number;
}

/** Why the pod may not drive others away at all; undefined: it may. */
export function ineligible({ pod, usage }: View): string | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.status?.nominatedNodeName ?? '';
  if (nominated === '') return undefined;
  for (const { pod: other } of usage.podsOn(nominated)) {
    const going = other.metadata.deletionTimestamp !== undefined;
    if (going && priorityOf(other) < priorityOf(pod)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return undefined;
}

/** `refused`: the nodes that cannot take the pod, and why. Gives whom to drive away, or kube-scheduler's words. */
export function preempt(
  view: View,
  refused: readonly (readonly [Node, readonly Obstacle[]])[],
): Preemption | string {
  const candidates: Candidate[] = [];
  const words = new Map<string, number>();
  const count = (why: string) => words.set(why, (words.get(why) ?? 0) + 1);
  for (const [node, obstacles] of refused) {
    if (obstacles.some((one) => one.helpless)) {
      count('Preemption is not helpful for scheduling');
      continue;
    }
    const found = candidates.length < candidatesMax ? onNode(view, node) : undefined;
    if (found === undefined) count('No preemption victims found for incoming pod');
    else candidates.push(found);
  }
  const [first] = candidates.sort(better);
  if (first !== undefined) return { node: first.node, victims: first.victims };
  const parts = [...words].map(([why, number]) => `${number} ${why}`).sort();
  return `0/${refused.length} nodes are available: ${parts.join(', ')}.`;
}

/** The fewest pods that have to leave the node; undefined: all less important ones together are not enough. */
function onNode(view: View, node: Node): Candidate | undefined {
  const { pod, usage, facts } = view;
  const lower = [...usage.podsOn(node.metadata.name)]
    .map((placed) => placed.pod)
    .filter((other) => priorityOf(other) < priorityOf(pod))
    .sort(moreImportantFirst);
  if (lower.length === 0) return undefined;
  const without = new Without(usage, node.metadata.name, lower);
  const canTake = (changed: UsageView) =>
    filter({ ...view, usage: changed }).check(node).length === 0;
  if (!canTake(without)) return undefined;
  const { violating, others } = byBudget(lower, facts);
  const spare = (candidates: readonly Pod[]) =>
    candidates.filter((other) => {
      without.keep(other);
      if (canTake(without)) return false;
      without.remove(other);
      return true;
    });
  const broken = spare(violating);
  const victims = [...broken, ...spare(others)].sort(moreImportantFirst);
  return { node: node.metadata.name, victims, violations: broken.length };
}

/** Those whose going would break a budget, and the rest. */
function byBudget(pods: readonly Pod[], facts: Facts) {
  const left = new Map<PodDisruptionBudget, number>();
  const violating: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const { namespace = '', name, labels } = pod.metadata;
    let broken = false;
    for (const budget of facts.budgets(namespace)) {
      if (!matchesLabels(labelSelectorOf(budget.spec?.selector), labels)) continue;
      if (budget.status?.disruptedPods?.[name] !== undefined) continue;
      const allowed = (left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) broken = true;
    }
    (broken ? violating : others).push(pod);
  }
  return { violating, others };
}

const startOf = (pod: Pod): string =>
  pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '9999';

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

const moreImportantFirst = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || compare(startOf(a), startOf(b));

/** kube-scheduler's order of candidates (`pickOneNodeForPreemption`). */
function better(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate) =>
    victims[0] === undefined ? 0 : priorityOf(victims[0]);
  // Priorities may be negative: the offset makes each victim count.
  const sum = ({ victims }: Candidate) =>
    victims.reduce((total, pod) => total + priorityOf(pod) + 2 ** 31, 0);
  const start = ({ victims }: Candidate) => (victims[0] === undefined ? '' : startOf(victims[0]));
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    compare(start(b), start(a)) ||
    compare(a.node, b.node)
  );
}
