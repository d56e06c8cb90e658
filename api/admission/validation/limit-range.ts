/** LimitRange (`ValidateLimitRange`). */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { qualifiedNameProblems } from '#api/resources/names.ts';
import { compareQuantities } from '#api/resources/quantity.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { checkName, checkUnique, forbiddenField, invalidValue, required } from './causes.ts';
import { checkAmount } from './resources.ts';

const BOUNDS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

/** What may not be above what, lowest first: [lower, its name, upper, its name]. */
const ORDER = [
  ['min', 'min', 'max', 'max'],
  ['min', 'min', 'defaultRequest', 'default request'],
  ['defaultRequest', 'default request', 'max', 'max'],
  ['defaultRequest', 'default request', 'default', 'default limit'],
  ['min', 'min', 'default', 'default'],
  ['default', 'default', 'max', 'max'],
] as const;

export function checkLimitRange(range: KubeObject): StatusCause[] {
  const limits = objectsOf(objectOr(range['spec'])['limits']);
  return [
    ...limits.flatMap((limit, i) => checkLimit(`spec.limits[${i}]`, limit)),
    ...checkUnique(
      limits.map(({ type }) => type),
      (i) => `spec.limits[${i}].type`,
    ),
  ];
}

function checkLimit(field: string, limit: JsonObject): StatusCause[] {
  const amounts = BOUNDS.flatMap((bound) =>
    Object.entries(objectOr(limit[bound])).flatMap(([name, value]) =>
      checkAmount(`${field}.${bound}[${name}]`, value),
    ),
  );
  if (amounts.length > 0) return amounts;
  return [
    ...checkName(`${field}.type`, limit['type'], qualifiedNameProblems),
    ...checkKind(field, limit),
    ...namesIn(limit).flatMap((name) => checkOrder(field, limit, name)),
  ];
}

/** Pods have no defaults of their own; claims are limited by nothing but their storage. */
function checkKind(field: string, limit: JsonObject): StatusCause[] {
  const type = stringOr(limit['type']);
  if (type === 'Pod') {
    const detail = 'may not be specified when `type` is `Pod`';
    return ['default', 'defaultRequest']
      .filter((bound) => Object.keys(objectOr(limit[bound])).length > 0)
      .map((bound) => forbiddenField(`${field}.${bound}`, detail));
  }
  const bounded = ['min', 'max'].some((bound) => objectOr(limit[bound])['storage'] !== undefined);
  if (type !== 'PersistentVolumeClaim' || bounded) return [];
  const detail = 'either minimum or maximum storage value is required, but neither was provided';
  return [required(field, detail)];
}

const namesIn = (limit: JsonObject): string[] => [
  ...new Set(BOUNDS.flatMap((bound) => Object.keys(objectOr(limit[bound])))),
];

function checkOrder(field: string, limit: JsonObject, key: string): StatusCause[] {
  const of = (bound: string): string | undefined => {
    const value = objectOr(limit[bound])[key];
    return value === undefined ? undefined : String(value);
  };
  const causes = ORDER.flatMap(([lower, lowerName, upper, upperName]) => {
    const [low, high] = [of(lower), of(upper)];
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) return [];
    const place = lower === 'min' && upper === 'max' ? 'min' : lower === 'min' ? upper : lower;
    const detail = `${lowerName} value ${low} is greater than ${upperName} value ${high}`;
    return [invalidValue(`${field}.${place}[${key}]`, place === upper ? high : low, detail)];
  });
  const ratio = of('maxLimitRequestRatio');
  if (ratio === undefined || compareQuantities(ratio, '1') >= 0) return causes;
  const at = `${field}.maxLimitRequestRatio[${key}]`;
  return [...causes, invalidValue(at, ratio, `ratio ${ratio} is less than 1`)];
}
