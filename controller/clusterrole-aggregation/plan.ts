/** What rules a ClusterRole that collects others should have. */
import { equalJson } from '#api/resources/json.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { ClusterRole } from '#api/resources/types.ts';

type Rule = NonNullable<ClusterRole['rules']>[number];

export const collects = ({ aggregationRule }: ClusterRole): boolean =>
  aggregationRule !== undefined;

/** All rules of the roles that the selectors mean, each once; roles are taken in the order of their names. */
export function collectedRules(
  { metadata, aggregationRule }: ClusterRole,
  all: readonly ClusterRole[],
): readonly Rule[] {
  const selectors = (aggregationRule?.clusterRoleSelectors ?? []).map(labelSelectorOf);
  const rules: Rule[] = [];
  const sorted = [...all].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const role of sorted) {
    if (role.metadata.name === metadata.name) continue;
    const labels = role.metadata.labels ?? {};
    if (!selectors.some((selector) => matchesLabels(selector, labels))) continue;
    for (const rule of role.rules ?? []) {
      if (!rules.some((known) => equalJson(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
