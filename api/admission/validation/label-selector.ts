/** `LabelSelector`s in specs (`ValidateLabelSelector`). */
import { equalJson, isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { labelValueProblems, qualifiedNameProblems } from '#api/resources/names.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { StatusCause } from '#api/resources/status.ts';
import type { LabelSelector } from '#api/resources/types.ts';
import {
  checkName,
  forbiddenField,
  goMap,
  invalidBecause,
  invalidShown,
  invalidValue,
  required,
} from './causes.ts';
import { checkLabels } from './metadata.ts';

function checkExpression(field: string, expression: JsonObject): StatusCause[] {
  const { operator, values } = expression;
  const list = Array.isArray(values) ? values.map(String) : [];
  const causes = checkName(`${field}.key`, expression['key'], qualifiedNameProblems);
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be specified when `operator` is 'In' or 'NotIn'";
    if (list.length === 0) causes.push(required(`${field}.values`, detail));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    if (list.length > 0) causes.push(forbiddenField(`${field}.values`, detail));
  } else {
    causes.push(invalidValue(`${field}.operator`, operator ?? '', 'not a valid selector operator'));
  }
  const bad = list.flatMap((value, i) =>
    invalidBecause(`${field}.values[${i}]`, value, labelValueProblems(value)),
  );
  return [...causes, ...bad];
}

/** What is wrong with a selector by itself; an absent one is fine here. */
export function checkSelector(field: string, selector: unknown): StatusCause[] {
  if (!isObject(selector)) return [];
  return [
    ...checkLabels(`${field}.matchLabels`, selector['matchLabels']),
    ...objectsOf(selector['matchExpressions']).flatMap((expression, i) =>
      checkExpression(`${field}.matchExpressions[${i}]`, expression),
    ),
  ];
}

const isEmpty = (selector: JsonObject): boolean =>
  Object.keys(objectOr(selector['matchLabels'])).length === 0 &&
  objectsOf(selector['matchExpressions']).length === 0;

const listed = (values: unknown): string => {
  const texts = Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined;
  return texts === undefined ? '[]string(nil)' : `[]string{${texts.join(', ')}}`;
};

/** A selector as Go prints it, which is how Kubernetes shows it in messages. */
function shown(selector: JsonObject): string {
  const { matchLabels, matchExpressions } = selector;
  const type = 'v1.LabelSelectorRequirement';
  const labels = matchLabels === undefined ? 'map[string]string(nil)' : goMap(matchLabels);
  const expressions = objectsOf(matchExpressions).map(
    ({ key, operator, values }) =>
      `${type}{Key:${JSON.stringify(key)}, Operator:${JSON.stringify(operator)}, Values:${listed(values)}}`,
  );
  const list = expressions.length === 0 ? `[]${type}(nil)` : `[]${type}{${expressions.join(', ')}}`;
  return `v1.LabelSelector{MatchLabels:${labels}, MatchExpressions:${list}}`;
}

/** The selector of a workload must be there, select something, and select the pods its template makes. */
export function checkOwnSelector(spec: JsonObject, workload: string): StatusCause[] {
  const { selector } = spec;
  if (!isObject(selector)) return [required('spec.selector')];
  const causes = checkSelector('spec.selector', selector);
  if (isEmpty(selector)) {
    const detail = `empty selector is invalid for ${workload}`;
    return [invalidShown('spec.selector', shown(selector), detail)];
  }
  const labels = objectOr(objectOr(objectOr(spec['template'])['metadata'])['labels']);
  if (causes.length > 0 || selects(selector, labels)) return causes;
  const detail = '`selector` does not match template `labels`';
  return [invalidShown('spec.template.metadata.labels', goMap(labels), detail)];
}

function selects(selector: JsonObject, labels: JsonObject): boolean {
  const requirements = labelSelectorOf(selector as unknown as LabelSelector);
  return matchesLabels(requirements, labels as Record<string, string>);
}

export function checkSelectorUnchanged(spec: JsonObject, old: JsonObject): StatusCause[] {
  if (equalJson(spec['selector'], old['selector'])) return [];
  return [invalidShown('spec.selector', shown(objectOr(spec['selector'])), 'field is immutable')];
}
