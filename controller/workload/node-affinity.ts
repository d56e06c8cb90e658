/** Node selectors and required node affinity. */
import type { Node, Pod } from '#api/resources/types.ts';

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** One of several terms of a node selector. */
export interface Term {
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
export function meetsTerm({ matchExpressions = [], matchFields = [] }: Term, node: Node): boolean {
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
