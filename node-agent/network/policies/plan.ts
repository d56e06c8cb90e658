/**
 * All policies and pods together: what the policy table of a node should hold. Pure.
 *
 *   pod's address --ingress, egress (verdict maps)--> chain of its class --> chains of its policies --> accept; else drop
 *
 * Pods that the same policies select are one class.
 */
import { createHash } from 'node:crypto';
import type { CompiledPolicy, Direction, NamespaceLabels, PodPlace } from './compile.ts';

export interface PolicyPod extends PodPlace {
  /** On this node: its traffic is ours to judge. */
  readonly isLocal: boolean;
}

export interface WantedSet {
  readonly holds: 'address' | 'port' | 'pair';
  readonly elements: ReadonlySet<string>;
}

export interface WantedTable {
  /** Chain → its rules; a chain names only chains before it. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: ReadonlyMap<string, WantedSet>;
  /** By direction: pod's address → chain. */
  readonly verdicts: Readonly<Record<Direction, ReadonlyMap<string, string>>>;
}

export const directions = ['ingress', 'egress'] as const;
/** Pods that policies select, paired with themselves: no policy keeps a pod from itself. */
export const selfSet = 'itself';

/** What a pod is in; kept from pass to pass while neither it nor the policies change. */
export interface Membership {
  readonly elements: readonly (readonly [string, readonly string[]])[];
  /** By direction, the chains of the policies that select it. */
  readonly chains: Readonly<Record<Direction, readonly string[]>>;
}

export function membershipOf(
  pod: PolicyPod,
  policies: Iterable<CompiledPolicy>,
  labelsOf: NamespaceLabels,
): Membership {
  const elements: (readonly [string, readonly string[]])[] = [];
  const chains: Record<Direction, string[]> = { ingress: [], egress: [] };
  for (const policy of policies) {
    for (const set of policy.sets) {
      const own = set.elementsOf(pod, labelsOf);
      if (own.length > 0) elements.push([set.name, own]);
    }
    if (!pod.isLocal) continue;
    for (const direction of directions) {
      const chain = policy.chains.get(direction);
      if (chain !== undefined && policy.selects(pod, direction)) chains[direction].push(chain.name);
    }
  }
  for (const direction of directions) chains[direction].sort();
  return { elements, chains };
}

const className = (direction: Direction, chains: readonly string[]): string =>
  `${direction}-class-${createHash('sha256').update(chains.join()).digest('hex').slice(0, 10)}`;

export function wantedTable(
  policies: readonly CompiledPolicy[],
  pods: Iterable<{ readonly pod: PolicyPod; readonly member: Membership }>,
): WantedTable {
  const chains = new Map<string, readonly string[]>();
  const sets = new Map<string, { holds: WantedSet['holds']; elements: Set<string> }>();
  sets.set(selfSet, { holds: 'pair', elements: new Set() });
  for (const policy of policies) {
    for (const { name, rules } of policy.chains.values()) chains.set(name, rules);
    for (const { name, holds } of policy.sets) sets.set(name, { holds, elements: new Set() });
  }
  const verdicts = { ingress: new Map<string, string>(), egress: new Map<string, string>() };
  for (const { pod, member } of pods) {
    for (const [set, own] of member.elements)
      for (const element of own) sets.get(set)?.elements.add(element);
    for (const direction of directions) {
      const own = member.chains[direction];
      if (own.length === 0) continue;
      const name = className(direction, own);
      chains.set(name, [...own.map((chain) => `jump ${chain}`), 'drop']);
      verdicts[direction].set(pod.ip, name);
      sets.get(selfSet)?.elements.add(`${pod.ip} ${pod.ip}`);
    }
  }
  return { chains, sets, verdicts };
}
