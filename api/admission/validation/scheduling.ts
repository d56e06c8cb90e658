/** Where a pod may run: tolerations, node affinity, spreading (`ValidateTolerations`, `validateAffinity`). */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { qualifiedNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  inEach,
  invalidBecause,
  invalidValue,
  notSupported,
  required,
  together,
} from './causes.ts';

export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const OPERATORS = ['Equal', 'Exists'];
const NODE_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];

function checkToleration(field: string, toleration: JsonObject): StatusCause[] {
  const { key, operator = 'Equal', value, effect, tolerationSeconds } = toleration;
  const causes: StatusCause[] = [];
  const name = stringOr(key);
  if (name !== '')
    causes.push(...invalidBecause(`${field}.key`, name, qualifiedNameProblems(name)));
  if (name === '' && operator !== 'Exists') {
    const detail =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    causes.push(invalidValue(`${field}.operator`, operator, detail));
  }
  if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== 'NoExecute') {
    const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    causes.push(invalidValue(`${field}.effect`, effect ?? '', detail));
  }
  if (operator === 'Exists' && stringOr(value) !== '') {
    const detail = "value must be empty when `operator` is 'Exists'";
    causes.push(invalidValue(`${field}.operator`, toleration, detail));
  }
  if (!OPERATORS.includes(String(operator)) && operator !== '') {
    causes.push(notSupported(`${field}.operator`, operator, OPERATORS));
  }
  if (stringOr(effect) !== '' && !TAINT_EFFECTS.includes(String(effect))) {
    causes.push(notSupported(`${field}.effect`, effect, TAINT_EFFECTS));
  }
  return causes;
}

export function checkTolerations(field: string, tolerations: readonly JsonObject[]): StatusCause[] {
  return inEach(tolerations, (one, i) => checkToleration(`${field}[${i}]`, one));
}

function checkRequirement(field: string, requirement: JsonObject): StatusCause[] {
  const { operator, values } = requirement;
  const count = Array.isArray(values) ? values.length : 0;
  const causes = together(
    checkName(`${field}.key`, requirement['key'], qualifiedNameProblems),
    checkOneOf(`${field}.operator`, operator, NODE_OPERATORS),
  );
  if ((operator === 'In' || operator === 'NotIn') && count === 0) {
    const detail = "must be specified when `operator` is 'In' or 'NotIn'";
    causes.push(required(`${field}.values`, detail));
  }
  if ((operator === 'Gt' || operator === 'Lt') && count !== 1) {
    const detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
    causes.push(required(`${field}.values`, detail));
  }
  return causes;
}

function checkNodeAffinity(field: string, affinity: JsonObject): StatusCause[] {
  const name = 'requiredDuringSchedulingIgnoredDuringExecution';
  const wanted = affinity[name];
  if (!isObject(wanted)) return [];
  const terms = objectsOf(wanted['nodeSelectorTerms']);
  if (terms.length === 0) {
    const detail = 'must have at least one node selector term';
    return [required(`${field}.${name}.nodeSelectorTerms`, detail)];
  }
  return inEach(terms, (term, i) =>
    inEach(objectsOf(term['matchExpressions']), (requirement, j) =>
      checkRequirement(
        `${field}.${name}.nodeSelectorTerms[${i}].matchExpressions[${j}]`,
        requirement,
      ),
    ),
  );
}

function checkPodTerms(field: string, affinity: JsonObject): StatusCause[] {
  const name = 'requiredDuringSchedulingIgnoredDuringExecution';
  return inEach(objectsOf(affinity[name]), (term, i) =>
    stringOr(term['topologyKey']) === ''
      ? [required(`${field}.${name}[${i}].topologyKey`, 'can not be empty')]
      : [],
  );
}

function checkSpread(field: string, constraint: JsonObject): StatusCause[] {
  const { maxSkew, topologyKey, whenUnsatisfiable } = constraint;
  const causes: StatusCause[] = [];
  if (typeof maxSkew !== 'number' || maxSkew <= 0) {
    causes.push(invalidValue(`${field}.maxSkew`, maxSkew ?? 0, 'must be greater than zero'));
  }
  if (stringOr(topologyKey) === '')
    causes.push(required(`${field}.topologyKey`, 'can not be empty'));
  return together(
    causes,
    checkOneOf(`${field}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE),
  );
}

/** Affinity and spreading of a pod's spec. */
export function checkScheduling(field: string, spec: JsonObject): StatusCause[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = objectOr(spec['affinity']);
  return together(
    checkNodeAffinity(`${field}.affinity.nodeAffinity`, objectOr(nodeAffinity)),
    checkPodTerms(`${field}.affinity.podAffinity`, objectOr(podAffinity)),
    checkPodTerms(`${field}.affinity.podAntiAffinity`, objectOr(podAntiAffinity)),
    inEach(objectsOf(spec['topologySpreadConstraints']), (constraint, i) =>
      checkSpread(`${field}.topologySpreadConstraints[${i}]`, constraint),
    ),
  );
}
