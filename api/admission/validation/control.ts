/** Kinds that steer the API server: flow control and admission policies; and small kinds of apps and networking. */
import { equalJson, isObject, type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkNotNegative,
  checkOneOf,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';
import { RESTART_POLICIES } from './pod.ts';
import { checkTemplate } from './workload.ts';

const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);
const isEmpty = (list: unknown): boolean => !Array.isArray(list) || list.length === 0;
const MAX_PRECEDENCE = 10_000;

export function checkFlowSchema(schema: KubeObject): StatusCause[] {
  const { matchingPrecedence, priorityLevelConfiguration } = specOf(schema);
  const name = stringOr(objectOr(priorityLevelConfiguration)['name']);
  const precedence = Number(matchingPrecedence ?? 0);
  const field = 'spec.matchingPrecedence';
  return [
    ...(precedence < 1
      ? [invalidValue(field, precedence, 'must be a positive value')]
      : precedence > MAX_PRECEDENCE
        ? [invalidValue(field, precedence, `must not be greater than ${MAX_PRECEDENCE}`)]
        : []),
    ...(name === ''
      ? [required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]
      : []),
  ];
}

export function checkPriorityLevel(level: KubeObject): StatusCause[] {
  const spec = specOf(level);
  const types = ['Exempt', 'Limited'];
  if (!types.includes(stringOr(spec['type']))) {
    return [notSupported('spec.type', spec['type'] ?? '', types)];
  }
  if (spec['type'] === 'Exempt') {
    if (!isObject(spec['limited'])) return [];
    const detail = 'must be nil if the type is Exempt';
    return [forbiddenField('spec.limited', detail)];
  }
  if (!isObject(spec['limited'])) {
    return [required('spec.limited', 'must not be empty when type is Limited')];
  }
  const response = objectOr(spec['limited']['limitResponse']);
  return [
    ...checkNotNegative(
      'spec.limited.nominalConcurrencyShares',
      spec['limited']['nominalConcurrencyShares'],
    ),
    ...(['Queue', 'Reject'].includes(stringOr(response['type']))
      ? []
      : [
          notSupported('spec.limited.limitResponse.type', response['type'] ?? '', [
            'Queue',
            'Reject',
          ]),
        ]),
  ];
}

function checkMatching(spec: JsonObject): StatusCause[] {
  const constraints = spec['matchConstraints'];
  if (!isObject(constraints)) return [required('spec.matchConstraints')];
  return isEmpty(constraints['resourceRules'])
    ? [required('spec.matchConstraints.resourceRules')]
    : [];
}

export function checkValidatingPolicy(policy: KubeObject): StatusCause[] {
  const spec = specOf(policy);
  const detail = 'validations or auditAnnotations must contain at least one item';
  const nothing = isEmpty(spec['validations']) && isEmpty(spec['auditAnnotations']);
  const { validations } = spec;
  return [
    ...checkOneOf('spec.failurePolicy', spec['failurePolicy'], ['Fail', 'Ignore']),
    ...checkMatching(spec),
    ...(nothing ? [required('spec.validations', detail)] : []),
    ...(Array.isArray(validations) ? validations.map(objectOr) : []).flatMap((validation, i) =>
      stringOr(validation['expression']).trim() === ''
        ? [required(`spec.validations[${i}].expression`, 'expression is not specified')]
        : [],
    ),
  ];
}

export function checkMutatingPolicy(policy: KubeObject): StatusCause[] {
  const spec = specOf(policy);
  return [
    ...checkOneOf('spec.failurePolicy', spec['failurePolicy'], ['Fail', 'Ignore']),
    ...checkMatching(spec),
    ...(isEmpty(spec['mutations'])
      ? [required('spec.mutations', 'mutations must contain at least one item')]
      : []),
    ...checkOneOf('spec.reinvocationPolicy', spec['reinvocationPolicy'], ['IfNeeded', 'Never']),
  ];
}

export function checkMutatingBinding(binding: KubeObject): StatusCause[] {
  return stringOr(specOf(binding)['policyName']) === '' ? [required('spec.policyName')] : [];
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export function checkValidatingBinding(binding: KubeObject): StatusCause[] {
  const { validationActions } = specOf(binding);
  const actions = Array.isArray(validationActions) ? validationActions.map(String) : [];
  const causes = checkMutatingBinding(binding);
  if (actions.length === 0) causes.push(required('spec.validationActions'));
  for (const [i, action] of actions.entries()) {
    if (ACTIONS.includes(action)) continue;
    causes.push(notSupported(`spec.validationActions[${i}]`, action, ACTIONS));
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    causes.push(invalidValue('spec.validationActions', actions, detail));
  }
  return causes;
}

export function checkRevision(revision: KubeObject): StatusCause[] {
  const mandatory = revision['data'] === undefined || revision['data'] === null;
  return [
    ...(mandatory ? [required('data', 'data is mandatory')] : []),
    ...checkNotNegative('revision', revision['revision']),
  ];
}

export function checkRevisionUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  if (equalJson(now['data'] ?? null, old['data'] ?? null)) return [];
  return [invalidValue('data', now['data'], 'field is immutable')];
}

export function checkPodTemplate(template: KubeObject): StatusCause[] {
  return checkTemplate('template', template['template'], RESTART_POLICIES);
}

const CONTROLLER_BYTES = 250;

export function checkIngressClass(ingressClass: KubeObject): StatusCause[] {
  const { controller, parameters } = specOf(ingressClass);
  const name = stringOr(controller);
  const causes: StatusCause[] = [];
  if (name === '') causes.push(required('spec.controller'));
  if (name.length > CONTROLLER_BYTES) {
    const message = `Too long: may not be more than ${CONTROLLER_BYTES} bytes`;
    causes.push({ reason: 'FieldValueTooLong', message, field: 'spec.controller' });
  }
  if (!isObject(parameters)) return causes;
  for (const field of ['kind', 'name']) {
    if (stringOr(parameters[field]) !== '') continue;
    causes.push(required(`spec.parameters.${field}`, `${field} is required`));
  }
  const scopes = ['Cluster', 'Namespace'];
  if (!scopes.includes(stringOr(parameters['scope']))) {
    causes.push(notSupported('spec.parameters.scope', parameters['scope'] ?? '', scopes));
  }
  return causes;
}

export function checkIngressClassUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  const [controller, before] = [specOf(now)['controller'], specOf(old)['controller']];
  return controller === before
    ? []
    : [invalidValue('spec.controller', controller, 'field is immutable')];
}
