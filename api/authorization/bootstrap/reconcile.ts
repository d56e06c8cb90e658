/** Puts a role or binding right that differs from what it should be; what people added to it stays. */
import { equalJson, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { compact, rulesIn, uncovered } from '../rule.ts';

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate';

/** The marks of `wanted`, with those that are there winning. */
function withMarks(held: KubeObject, { metadata }: KubeObject): KubeObject {
  const labels = { ...metadata.labels, ...held.metadata.labels };
  const annotations = { ...metadata.annotations, ...held.metadata.annotations };
  return { ...held, metadata: { ...held.metadata, labels, annotations } };
}

function withRules(held: KubeObject, wanted: KubeObject): KubeObject {
  if (wanted['aggregationRule'] !== undefined) {
    const selectors = (role: KubeObject) =>
      objectsOf(objectOr(role['aggregationRule'])['clusterRoleSelectors']);
    const own = selectors(held);
    const missing = selectors(wanted).filter((one) => !own.some((each) => equalJson(each, one)));
    if (missing.length === 0) return held;
    return { ...held, aggregationRule: { clusterRoleSelectors: [...own, ...missing] } };
  }
  const missing = compact(uncovered(rulesIn(held), rulesIn(wanted)));
  return missing.length === 0 ? held : { ...held, rules: [...rulesIn(held), ...missing] };
}

/** Defaults may have been filled in: what counts is who is meant. */
const subjectKey = ({ kind, name, namespace }: Record<string, unknown>): string =>
  JSON.stringify([kind, name, namespace ?? '']);

function withSubjects(held: KubeObject, wanted: KubeObject): KubeObject {
  const own = objectsOf(held['subjects']);
  const known = new Set(own.map(subjectKey));
  const missing = objectsOf(wanted['subjects']).filter((one) => !known.has(subjectKey(one)));
  return missing.length === 0 ? held : { ...held, subjects: [...own, ...missing] };
}

/**
 * What `held` should become; `undefined`: nothing is to be done, or it says (`autoupdate: "false"`) that it shall be
 * left alone. `'replace'`: it is bound to another role, which no update may change.
 */
export function reconciled(
  held: KubeObject,
  wanted: KubeObject,
): KubeObject | 'replace' | undefined {
  if (held.metadata.annotations?.[autoupdate] === 'false') return undefined;
  const isBinding = wanted.kind.endsWith('Binding');
  if (isBinding && !equalJson(held['roleRef'], wanted['roleRef'])) return 'replace';
  const marked = withMarks(held, wanted);
  const next = isBinding ? withSubjects(marked, wanted) : withRules(marked, wanted);
  return equalJson(next, held) ? undefined : next;
}
