/** The kinds of resource.k8s.io (`pkg/apis/resource/validation`). CEL is not judged here: it is when it runs. */
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelProblems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkImmutable,
  checkName,
  checkUnique,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';

const requestsMax = 32;
const subrequestsMax = 8;
const selectorsMax = 32;
const devicesMax = 128;
const modes = ['All', 'ExactCount'];

const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);

function checkCount(field: string, list: readonly unknown[], most: number): StatusCause[] {
  if (list.length <= most) return [];
  const message = `Too many: ${list.length}: must have at most ${most} items`;
  return [{ reason: 'FieldValueTooMany', message, field }];
}

function checkSelectors(field: string, value: unknown): StatusCause[] {
  const selectors = objectsOf(value);
  return [
    ...checkCount(field, selectors, selectorsMax),
    ...selectors.flatMap(({ cel }, i) => {
      if (cel === undefined) return [required(`${field}[${i}].cel`)];
      const { expression } = objectOr(cel);
      return stringOr(expression) === '' ? [required(`${field}[${i}].cel.expression`)] : [];
    }),
  ];
}

/** What one request wants of one class. */
function checkWanted(field: string, wanted: JsonObject): StatusCause[] {
  const { deviceClassName, allocationMode, count, selectors } = wanted;
  const causes = [
    ...checkName(`${field}.deviceClassName`, deviceClassName, subdomainProblems),
    ...checkSelectors(`${field}.selectors`, selectors),
  ];
  const counted = typeof count === 'number' ? count : 0;
  if (allocationMode === 'ExactCount' && counted <= 0) {
    causes.push(invalidValue(`${field}.count`, counted, 'must be greater than zero'));
  } else if (allocationMode === 'All' && counted !== 0) {
    const why = "must not be specified when allocationMode is 'All'";
    causes.push(invalidValue(`${field}.count`, counted, why));
  } else if (!modes.includes(stringOr(allocationMode))) {
    causes.push(notSupported(`${field}.allocationMode`, allocationMode, modes));
  }
  return causes;
}

function checkRequest(field: string, request: JsonObject): StatusCause[] {
  const { exactly, firstAvailable } = request;
  const alternatives = objectsOf(firstAvailable);
  const causes = checkName(`${field}.name`, request['name'], labelProblems);
  const either = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly === undefined && alternatives.length === 0) {
    return [...causes, required(field, either)];
  }
  if (exactly !== undefined && alternatives.length > 0) {
    return [...causes, invalidValue(field, null, either)];
  }
  if (exactly !== undefined) {
    return [...causes, ...checkWanted(`${field}.exactly`, objectOr(exactly))];
  }
  const list = `${field}.firstAvailable`;
  return [
    ...causes,
    ...checkCount(list, alternatives, subrequestsMax),
    ...alternatives.flatMap((one, i) => [
      ...checkName(`${list}[${i}].name`, one['name'], labelProblems),
      ...checkWanted(`${list}[${i}]`, one),
    ]),
    ...checkUnique(
      alternatives.map(({ name }) => name),
      (i) => `${list}[${i}].name`,
    ),
  ];
}

const unknownRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

function checkDevices(field: string, devices: JsonObject): StatusCause[] {
  const requests = objectsOf(devices['requests']);
  const names = new Set(
    requests.flatMap(({ name, firstAvailable }) => [
      name,
      ...objectsOf(firstAvailable).map((one) => `${name}/${one['name']}`),
    ]),
  );
  const checkNames = (at: string, value: unknown) =>
    (Array.isArray(value) ? value : []).flatMap((name, i) =>
      names.has(name) ? [] : [invalidValue(`${at}[${i}]`, name, unknownRequest)],
    );
  return [
    ...checkCount(`${field}.requests`, requests, requestsMax),
    ...requests.flatMap((one, i) => checkRequest(`${field}.requests[${i}]`, one)),
    ...checkUnique(
      requests.map(({ name }) => name),
      (i) => `${field}.requests[${i}].name`,
    ),
    ...objectsOf(devices['constraints']).flatMap((one, i) => {
      const at = `${field}.constraints[${i}]`;
      const attributes = [one['matchAttribute'], one['distinctAttribute']].map(stringOr);
      const found = attributes.filter((name) => name !== '').length;
      return [
        ...checkNames(`${at}.requests`, one['requests']),
        ...(found === 0 ? [required(`${at}.matchAttribute`)] : []),
      ];
    }),
    ...objectsOf(devices['config']).flatMap((one, i) =>
      checkNames(`${field}.config[${i}].requests`, one['requests']),
    ),
  ];
}

export const checkClaim = (claim: KubeObject): StatusCause[] =>
  checkDevices('spec.devices', objectOr(specOf(claim)['devices']));

export const checkClaimTemplate = (template: KubeObject): StatusCause[] =>
  checkDevices('spec.spec.devices', objectOr(objectOr(specOf(template)['spec'])['devices']));

/** A claim, a template: what was asked for stays. */
export const checkFixedSpec = (next: KubeObject, old: KubeObject): StatusCause[] =>
  checkImmutable('spec', next['spec'], equalJson(next['spec'] ?? {}, old['spec'] ?? {}));

export const checkDeviceClass = (one: KubeObject): StatusCause[] =>
  checkSelectors('spec.selectors', specOf(one)['selectors']);

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'];

export function checkSlice(slice: KubeObject): StatusCause[] {
  const spec = specOf(slice);
  const pool = objectOr(spec['pool']);
  const devices = objectsOf(spec['devices']);
  const set = places.filter((name) => ![undefined, null, '', false].includes(spec[name] as never));
  const causes = [
    ...checkName('spec.driver', spec['driver'], subdomainProblems),
    ...(stringOr(pool['name']) === '' ? [required('spec.pool.name')] : []),
    ...checkCount('spec.devices', devices, devicesMax),
    ...devices.flatMap(({ name }, i) => checkName(`spec.devices[${i}].name`, name, labelProblems)),
    ...checkUnique(
      devices.map(({ name }) => name),
      (i) => `spec.devices[${i}].name`,
    ),
  ];
  const { resourceSliceCount, generation } = pool;
  if (typeof resourceSliceCount !== 'number' || resourceSliceCount <= 0) {
    const field = 'spec.pool.resourceSliceCount';
    causes.push(invalidValue(field, resourceSliceCount ?? 0, 'must be greater than zero'));
  }
  if (typeof generation === 'number' && generation < 0) {
    const why = 'must be greater than or equal to zero';
    causes.push(invalidValue('spec.pool.generation', generation, why));
  }
  if (set.length !== 1) {
    const one = `exactly one of ${places.map((name) => `\`${name}\``).join(', ')} is required`;
    causes.push(set.length === 0 ? required('spec', one) : invalidValue('spec', `{${set}}`, one));
  }
  return causes;
}

export function checkSliceUpdate(next: KubeObject, old: KubeObject): StatusCause[] {
  const [now, before] = [specOf(next), specOf(old)];
  const same = (field: string, a: unknown, b: unknown) =>
    checkImmutable(field, a, equalJson(a ?? null, b ?? null));
  return [
    ...same('spec.driver', now['driver'], before['driver']),
    ...same('spec.pool.name', objectOr(now['pool'])['name'], objectOr(before['pool'])['name']),
    ...['nodeName', 'nodeSelector', 'allNodes'].flatMap((name) =>
      same(`spec.${name}`, now[name], before[name]),
    ),
  ];
}
