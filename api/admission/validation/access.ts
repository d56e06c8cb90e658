/** Roles and bindings (`apis/rbac/validation`). */
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  invalidBecause,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';

const GROUP = 'rbac.authorization.k8s.io';
const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

const isEmpty = (value: unknown): boolean => !Array.isArray(value) || value.length === 0;

function checkRule(field: string, rule: JsonObject, namespaced: boolean): StatusCause[] {
  const { verbs, apiGroups, resources, nonResourceURLs } = rule;
  const causes = isEmpty(verbs)
    ? [required(`${field}.verbs`, 'verbs must contain at least one value')]
    : [];
  if (!isEmpty(nonResourceURLs)) {
    if (namespaced) {
      const detail = 'namespaced rules cannot apply to non-resource URLs';
      causes.push(invalidValue(`${field}.nonResourceURLs`, nonResourceURLs, detail));
    }
    if (!isEmpty(apiGroups) || !isEmpty(resources)) {
      const detail = 'rules cannot apply to both regular resources and non-resource URLs';
      causes.push(invalidValue(`${field}.nonResourceURLs`, nonResourceURLs, detail));
    }
    return causes;
  }
  if (isEmpty(apiGroups)) {
    const detail = 'resource rules must supply at least one api group';
    causes.push(required(`${field}.apiGroups`, detail));
  }
  if (isEmpty(resources)) {
    const detail = 'resource rules must supply at least one resource';
    causes.push(required(`${field}.resources`, detail));
  }
  return causes;
}

export function checkRole(role: KubeObject): StatusCause[] {
  const namespaced = role.kind === 'Role';
  return objectsOf(role['rules']).flatMap((rule, i) => checkRule(`rules[${i}]`, rule, namespaced));
}

function checkSubject(field: string, subject: JsonObject, namespaced: boolean): StatusCause[] {
  const { kind, name, namespace } = subject;
  const group = stringOr(subject['apiGroup']);
  const text = stringOr(name);
  const causes = text === '' ? [required(`${field}.name`)] : [];
  if (kind === 'ServiceAccount') {
    causes.push(
      ...(text === '' ? [] : invalidBecause(`${field}.name`, text, subdomainProblems(text))),
    );
    if (group !== '') causes.push(notSupported(`${field}.apiGroup`, group, ['']));
    if (!namespaced && stringOr(namespace) === '') causes.push(required(`${field}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (group !== GROUP) causes.push(notSupported(`${field}.apiGroup`, group, [GROUP]));
  } else {
    causes.push(notSupported(`${field}.kind`, kind ?? '', SUBJECT_KINDS));
  }
  return causes;
}

export function checkBinding(binding: KubeObject): StatusCause[] {
  const namespaced = binding.kind === 'RoleBinding';
  const { apiGroup, kind, name } = objectOr(binding['roleRef']);
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  return [
    ...(apiGroup === GROUP ? [] : [notSupported('roleRef.apiGroup', apiGroup ?? '', [GROUP])]),
    ...checkOneOf('roleRef.kind', kind, kinds),
    ...checkName('roleRef.name', name, () => []),
    ...objectsOf(binding['subjects']).flatMap((subject, i) =>
      checkSubject(`subjects[${i}]`, subject, namespaced),
    ),
  ];
}

export function checkBindingUpdate(binding: KubeObject, old: KubeObject): StatusCause[] {
  if (equalJson(binding['roleRef'], old['roleRef'])) return [];
  return [invalidValue('roleRef', binding['roleRef'], 'cannot change roleRef')];
}
