/** Which pods a pod wants near it and which not, by topology: node, zone, whatever nodes are labelled with. Pure. */
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { LabelSelector, Node, Pod } from '#api/resources/types.ts';
import type { Facts } from './facts.ts';
import { helpless, type Obstacle } from './obstacle.ts';
import type { Placed, UsageView } from './usage.ts';

interface Term {
  readonly topologyKey: string;
  readonly labelSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

interface Compiled {
  readonly topologyKey: string;
  matches(other: Pod): boolean;
}

const requiredNear = ({ spec }: Pod): readonly Term[] =>
  spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const requiredApart = ({ spec }: Pod): readonly Term[] =>
  spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** The term as its owner means it: a selector with values of the owner's labels, in namespaces seen from the owner's. */
function compile(term: Term, owner: Pod, facts: Facts): Compiled {
  const labels = owner.metadata.labels ?? {};
  const selector = labelSelectorOf(term.labelSelector);
  const same = (term.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const other = (term.mismatchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const names = new Set(term.namespaces ?? []);
  const chosen = labelSelectorOf(term.namespaceSelector);
  if (names.size === 0 && chosen === undefined) names.add(owner.metadata.namespace ?? '');
  const inNamespace = (name: string) =>
    names.has(name) || (chosen !== undefined && matchesLabels(chosen, facts.namespaceLabels(name)));
  return {
    topologyKey: term.topologyKey,
    matches: ({ metadata }) =>
      matchesLabels(selector, metadata.labels) &&
      same.every((key) => metadata.labels?.[key] === labels[key]) &&
      other.every((key) => metadata.labels?.[key] !== labels[key]) &&
      inNamespace(metadata.namespace ?? ''),
  };
}

/** Topology values (by key) with a number each. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(key: string, node: Node | undefined, amount = 1): void {
    const value = node?.metadata.labels?.[key];
    if (value === undefined) return;
    const name = `${key}\n${value}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  of(key: string, node: Node): number {
    const value = node.metadata.labels?.[key];
    return value === undefined ? 0 : (this.#counts.get(`${key}\n${value}`) ?? 0);
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** The sum over all keys of what the node has. */
  sum(node: Node): number {
    let sum = 0;
    for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
      sum += this.#counts.get(`${key}\n${value}`) ?? 0;
    }
    return sum;
  }
}

/** What keeps the pod from a node for the sake of other pods; undefined if nothing can. */
export function affinityFilter(
  pod: Pod,
  usage: UsageView,
  facts: Facts,
): ((node: Node) => Obstacle | undefined) | undefined {
  const near = requiredNear(pod).map((term) => compile(term, pod, facts));
  const apart = requiredApart(pod).map((term) => compile(term, pod, facts));
  const refused = refusedBy(usage.averse, pod, facts);
  if (near.length + apart.length === 0 && refused.isEmpty) return undefined;
  const nearby = near.map(() => new Tally());
  const present = new Tally();
  if (near.length + apart.length > 0) {
    for (const { pod: other, node } of usage.all()) {
      const place = facts.node(node);
      // All terms together must match, as in kube-scheduler: else a value would do for one term alone.
      if (near.length > 0 && near.every((term) => term.matches(other))) {
        near.forEach((term, i) => {
          nearby[i]?.add(term.topologyKey, place);
        });
      }
      for (const term of apart) if (term.matches(other)) present.add(term.topologyKey, place);
    }
  }
  // The first of a group that wants to be together has nobody to join.
  const first = nearby.every((tally) => tally.isEmpty) && near.every((term) => term.matches(pod));
  const joins = (node: Node) =>
    near.every(({ topologyKey }, i) =>
      first
        ? node.metadata.labels?.[topologyKey] !== undefined
        : (nearby[i]?.of(topologyKey, node) ?? 0) > 0,
    );
  return (node) => {
    if (!joins(node)) return helpless("node(s) didn't match pod affinity rules");
    if (apart.some(({ topologyKey }) => present.of(topologyKey, node) > 0)) {
      return { reason: "node(s) didn't match pod anti-affinity rules" };
    }
    if (refused.sum(node) > 0) {
      return { reason: "node(s) didn't satisfy existing pods anti-affinity rules" };
    }
    return undefined;
  };
}

/** Where pods are that do not want this one near them. */
function refusedBy(averse: Iterable<Placed>, pod: Pod, facts: Facts): Tally {
  const refused = new Tally();
  for (const { pod: other, node } of averse) {
    for (const term of requiredApart(other)) {
      if (compile(term, other, facts).matches(pod)) refused.add(term.topologyKey, facts.node(node));
    }
  }
  return refused;
}

/** How glad the pod and those already there would be of each other, as a number to be compared; undefined: all the same. */
export function affinityScore(
  pod: Pod,
  usage: UsageView,
  facts: Facts,
): ((node: Node) => number) | undefined {
  const tally = new Tally();
  const own = preferences(pod).map(({ term, weight }) => ({
    ...compile(term, pod, facts),
    weight,
  }));
  if (own.length > 0) {
    for (const { pod: other, node } of usage.all()) {
      for (const term of own) {
        if (term.matches(other)) tally.add(term.topologyKey, facts.node(node), term.weight);
      }
    }
  }
  for (const { pod: other, node } of usage.choosy) {
    const wishes = [
      ...preferences(other),
      ...requiredNear(other).map((term) => ({ term, weight: 1 })),
    ];
    for (const { term, weight } of wishes) {
      const compiled = compile(term, other, facts);
      if (compiled.matches(pod)) tally.add(term.topologyKey, facts.node(node), weight);
    }
  }
  return tally.isEmpty ? undefined : (node) => tally.sum(node);
}

/** What the pod would rather have near it (positive) and rather not (negative). */
function preferences({ spec }: Pod): { readonly term: Term; readonly weight: number }[] {
  const near = spec?.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const apart =
    spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...near.map(({ podAffinityTerm, weight }) => ({ term: podAffinityTerm, weight })),
    ...apart.map(({ podAffinityTerm, weight }) => ({ term: podAffinityTerm, weight: -weight })),
  ];
}
