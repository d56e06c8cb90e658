/** Topology spread constraints: how unevenly pods of one kind may lie over zones, nodes, or any other label. Pure. */
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import { matchesNode } from '#controller/workload/node-affinity.ts';
import { helpless, type Obstacle } from './obstacle.ts';
import { untolerated } from './taints.ts';
import type { UsageView } from './usage.ts';

type Constraint = NonNullable<NonNullable<Pod['spec']>['topologySpreadConstraints']>[number];

const reason = "node(s) didn't match pod topology spread constraints";

interface Counted {
  readonly constraint: Constraint;
  /** Matching pods by the value of the topology's label; every value that counts is there. */
  readonly domains: ReadonlyMap<string, number>;
  /** Whether the pod itself would be counted. */
  readonly self: boolean;
}

const constraintsOf = ({ spec }: Pod, action: string): readonly Constraint[] =>
  (spec?.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === action,
  );

/** What keeps the pod from a node for the sake of even spreading; undefined if it asks for none. */
export function spreadFilter(
  pod: Pod,
  nodes: Iterable<Node>,
  usage: UsageView,
): ((node: Node) => Obstacle | undefined) | undefined {
  const constraints = constraintsOf(pod, 'DoNotSchedule');
  if (constraints.length === 0) return undefined;
  const all = [...nodes];
  const counted = constraints.map((one) => count(pod, one, constraints, all, usage));
  return (node) => {
    for (const { constraint, domains, self } of counted) {
      const value = node.metadata.labels?.[constraint.topologyKey];
      if (value === undefined) return helpless(`${reason} (missing required label)`);
      const enough = domains.size >= (constraint.minDomains ?? 1);
      const least = enough ? Math.min(...domains.values()) : 0;
      const after = (domains.get(value) ?? 0) + (self ? 1 : 0);
      if (after - (Number.isFinite(least) ? least : 0) > constraint.maxSkew) return { reason };
    }
    return undefined;
  };
}

/** The fewer matching pods share the node's topology, the better; undefined: the pod asks for nothing of the kind. */
export function spreadScore(
  pod: Pod,
  nodes: readonly Node[],
  usage: UsageView,
): ((node: Node) => number) | undefined {
  const constraints = constraintsOf(pod, 'ScheduleAnyway');
  if (constraints.length === 0) return undefined;
  const counted = constraints.map((one) => count(pod, one, constraints, nodes, usage));
  return (node) =>
    -counted.reduce((sum, { constraint, domains }) => {
      const value = node.metadata.labels?.[constraint.topologyKey] ?? '';
      const here = domains.get(value) ?? Math.max(0, ...domains.values()) + 1;
      // A zone that is missed weighs more than one of a thousand nodes.
      return sum + here * Math.log(domains.size + 2) + (constraint.maxSkew - 1);
    }, 0);
}

/** Nodes without all the topologies' labels, and those that the policies leave out, are no domains. */
function count(
  pod: Pod,
  constraint: Constraint,
  all: readonly Constraint[],
  nodes: readonly Node[],
  usage: UsageView,
): Counted {
  const { topologyKey, nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' } = constraint;
  const matches = matcher(pod, constraint);
  const domains = new Map<string, number>();
  for (const node of nodes) {
    const labels = node.metadata.labels ?? {};
    if (all.some((one) => labels[one.topologyKey] === undefined)) continue;
    if (nodeAffinityPolicy === 'Honor' && !matchesNode(pod, node)) continue;
    if (nodeTaintsPolicy === 'Honor' && untolerated(pod, node) !== undefined) continue;
    const value = labels[topologyKey] ?? '';
    let here = domains.get(value) ?? 0;
    for (const { pod: other } of usage.podsOn(node.metadata.name)) if (matches(other)) here += 1;
    domains.set(value, here);
  }
  return { constraint, domains, self: matches(pod) };
}

function matcher(pod: Pod, { labelSelector, matchLabelKeys = [] }: Constraint) {
  const selector = labelSelectorOf(labelSelector);
  const { namespace, labels = {} } = pod.metadata;
  const same = matchLabelKeys.filter((key) => labels[key] !== undefined);
  return ({ metadata }: Pod): boolean =>
    metadata.namespace === namespace &&
    metadata.deletionTimestamp === undefined &&
    matchesLabels(selector, metadata.labels) &&
    same.every((key) => metadata.labels?.[key] === labels[key]);
}
