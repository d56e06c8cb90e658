/** Node selectors and node affinity. */
import type { Node, Pod } from '#api/resources/types.ts';

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Term {
  readonly matchExpressions?: readonly Requirement[];
  readonly matchFields?: readonly Requirement[];
}

const asInteger = (text: string | undefined): number | undefined =>
  text !== undefined && /^[-+]?\d+$/.test(text) ? Number(text) : undefined;

function meets({ operator, values = [] }: Requirement, held: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return held !== undefined && values.includes(held);
    case 'NotIn':
      return held === undefined || !values.includes(held);
    case 'Exists':
      return held !== undefined;
    case 'DoesNotExist':
      return held === undefined;
    default: {
      const [a, b] = [asInteger(held), asInteger(values[0])];
      if (a === undefined || b === undefined) return false;
      return operator === 'Gt' ? a > b : operator === 'Lt' && a < b;
    }
  }
}

/** Whether the node meets the term; a term without requirements is met by none. */
function meetsTerm({ matchExpressions = [], matchFields = [] }: Term, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((requirement) => meets(requirement, labels[requirement.key])) &&
    matchFields.every(
      (requirement) =>
        requirement.key === 'metadata.name' && meets(requirement, node.metadata.name),
    )
  );
}

/** Whether the node has the labels of `nodeSelector` and meets one of the required affinity's terms. */
export function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) {
    if (labels[key] !== value) return false;
  }
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some((term) => meetsTerm(term, node));
}

/** The weights of the preferred terms that the node meets, as a share of all weights: 0 to 1. */
export function preference(pod: Pod, node: Node): number {
  const preferred =
    pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const all = preferred.reduce((sum, { weight }) => sum + weight, 0);
  if (all === 0) return 0;
  const met = preferred.filter((term) => meetsTerm(term.preference, node));
  return met.reduce((sum, { weight }) => sum + weight, 0) / all;
}
