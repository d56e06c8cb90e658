/** RBAC's rules: what one allows, and whether some rules allow all that others do. */
import { objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { type Attributes, fullResource } from './attributes.ts';

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  /** `pods`, `pods/log`; a star is all with their subresources, a star before the slash any resource. */
  readonly resources?: readonly string[];
  /** Absent or empty: any. */
  readonly resourceNames?: readonly string[];
  /** A `*` at the end stands for anything. */
  readonly nonResourceURLs?: readonly string[];
}

/** The rules of a Role or ClusterRole. */
export const rulesIn = (role: KubeObject): readonly PolicyRule[] =>
  objectsOf(role['rules']) as unknown as PolicyRule[];

const none: readonly string[] = [];

const has = (list: readonly string[] = none, value: string): boolean =>
  list.includes('*') || list.includes(value);

/** `pods` does not take in `pods/log`, but `*` does. */
function hasResource(list: readonly string[] = none, full: string): boolean {
  if (list.includes('*') || list.includes(full)) return true;
  const slash = full.indexOf('/');
  return slash >= 0 && list.includes(`*${full.slice(slash)}`);
}

const hasPath = (list: readonly string[] = none, path: string): boolean =>
  list.some((pattern) =>
    pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
  );

/** Whether the rule speaks of this verb on this resource or path, whatever names it is limited to. */
export function concerns(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.resource === undefined)
    return hasPath(rule.nonResourceURLs, attributes.path ?? '');
  return (
    has(rule.apiGroups, attributes.group ?? '') &&
    hasResource(rule.resources, fullResource(attributes))
  );
}

/** Whether the rule is not limited to named objects. */
export const holdsForAll = ({ resourceNames = none }: PolicyRule): boolean =>
  resourceNames.length === 0;

/** One verb on one thing: what rules are compared by. */
function parts(rule: PolicyRule): PolicyRule[] {
  const { verbs, apiGroups = none, resources = none, nonResourceURLs = none } = rule;
  const names = rule.resourceNames ?? none;
  const paths = nonResourceURLs.flatMap((url) =>
    verbs.map((verb) => ({ verbs: [verb], nonResourceURLs: [url] })),
  );
  const things = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => ({ apiGroups: [group], resources: [resource], verbs: [verb] })),
    ),
  );
  if (names.length === 0) return [...things, ...paths];
  const named = things.flatMap((thing) =>
    names.map((name) => ({ ...thing, resourceNames: [name] })),
  );
  return [...named, ...paths];
}

const hasAll = (owned: readonly string[] = none, wanted: readonly string[] = none): boolean =>
  owned.includes('*') || wanted.every((one) => owned.includes(one));

const hasAllPaths = (owned: readonly string[] = none, wanted: readonly string[] = none): boolean =>
  wanted.every((path) => owned.includes(path) || hasPath(owned, path));

/** Whether the one rule allows all that a part does. */
function coversPart(owned: PolicyRule, part: PolicyRule): boolean {
  if (!hasAll(owned.verbs, part.verbs)) return false;
  if (part.nonResourceURLs !== undefined) {
    return hasAllPaths(owned.nonResourceURLs, part.nonResourceURLs);
  }
  const { resourceNames: names = none } = owned;
  const [resource = ''] = part.resources ?? none;
  return (
    hasAll(owned.apiGroups, part.apiGroups) &&
    hasResource(owned.resources, resource) &&
    (names.length === 0 || (part.resourceNames !== undefined && hasAll(names, part.resourceNames)))
  );
}

/** The parts of `wanted` that no rule of `owned` allows. */
export function uncovered(
  owned: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  return wanted.flatMap(parts).filter((part) => !owned.some((rule) => coversPart(rule, part)));
}

/** A rule as refusals show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function describeRule(rule: PolicyRule): string {
  const field = (name: string, list: readonly string[] = none) =>
    list.length === 0 ? [] : [`${name}:${JSON.stringify(list)}`];
  const shown = [
    ...field('APIGroups', rule.apiGroups),
    ...field('Resources', rule.resources),
    ...field('ResourceNames', rule.resourceNames),
    ...field('NonResourceURLs', rule.nonResourceURLs),
    ...field('Verbs', rule.verbs),
  ];
  return `{${shown.join(', ')}}`;
}

/** Parts put together again: those that differ in their verbs alone, then in their names alone. */
export function compact(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const merge = (list: readonly PolicyRule[], field: 'verbs' | 'resourceNames'): PolicyRule[] => {
    const merged = new Map<string, PolicyRule>();
    for (const rule of list) {
      const { [field]: own = none, ...rest } = rule;
      const key = JSON.stringify([Object.entries(rest).sort(), own.length > 0]);
      const before = merged.get(key)?.[field] ?? none;
      const all = [...new Set([...before, ...own])];
      merged.set(key, { ...rule, ...(all.length === 0 ? {} : { [field]: all }) });
    }
    return [...merged.values()];
  };
  return merge(merge(rules, 'verbs'), 'resourceNames');
}
