/**
 * LimitRanges: what containers get that ask for nothing, and between what bounds containers, pods and claims must keep
 * (`plugin/pkg/admission/limitranger`).
 */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { compareQuantities, formatQuantity, type Quantity } from '#api/resources/quantity.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import { amountsOf } from '../quota/amounts.ts';
import { podAmounts } from '../quota/pod-usage.ts';
import { ensureObject } from './defaults/fill.ts';

type List = ReadonlyMap<string, Quantity>;

const itemsOf = (range: KubeObject): readonly JsonObject[] =>
  objectsOf(objectOr(range['spec'])['limits']);

const annotation = 'kubernetes.io/limit-ranger';

function fillList(
  container: JsonObject,
  part: 'requests' | 'limits',
  defaults: JsonObject,
): string[] {
  const resources = ensureObject(container, 'resources');
  const held = objectOr(resources[part]);
  const missing = Object.keys(defaults).filter((name) => !Object.hasOwn(held, name));
  if (missing.length === 0) return [];
  resources[part] = {
    ...held,
    ...Object.fromEntries(missing.map((name) => [name, defaults[name]])),
  };
  return missing.sort();
}

/** Gives the pod's containers the defaults of the namespace's ranges; changes the pod, which is a copy already. */
export function applyLimitRanges(pod: KubeObject, ranges: readonly KubeObject[]): void {
  const items = ranges.flatMap(itemsOf).filter(({ type }) => type === 'Container');
  if (items.length === 0) return;
  const spec = objectOr(pod['spec']);
  const told: string[] = [];
  for (const item of items) {
    for (const [field, what] of [
      ['containers', 'container'],
      ['initContainers', 'init container'],
    ] as const) {
      for (const container of objectsOf(spec[field])) {
        const requests = fillList(container, 'requests', objectOr(item['defaultRequest']));
        const limits = fillList(container, 'limits', objectOr(item['default']));
        const tell = (names: string[], part: string) => {
          if (names.length > 0)
            told.push(`${names.join(', ')} ${part} for ${what} ${container['name']}`);
        };
        tell(requests, 'request');
        tell(limits, 'limit');
      }
    }
  }
  if (told.length === 0) return;
  const text = `LimitRanger plugin set: ${told.join('; ')}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: text };
}

interface Asked {
  readonly type: string;
  readonly requests: List;
  readonly limits: List;
}

const text = (quantity: Quantity): string => formatQuantity(quantity);

function checkMinimum(
  name: string,
  minimum: Quantity,
  { type, requests, limits }: Asked,
): string[] {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const start = `minimum ${name} usage per ${type} is ${text(minimum)}`;
  if (request === undefined) return [`${start}.  No request is specified`];
  if (compareQuantities(request, minimum) < 0) return [`${start}, but request is ${text(request)}`];
  if (limit !== undefined && compareQuantities(limit, minimum) < 0) {
    return [`${start}, but limit is ${text(limit)}`];
  }
  return [];
}

function checkMaximum(
  name: string,
  maximum: Quantity,
  { type, requests, limits }: Asked,
): string[] {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const start = `maximum ${name} usage per ${type} is ${text(maximum)}`;
  if (limit === undefined) {
    return [`${start}.  No limit is specified`];
  }
  if (compareQuantities(limit, maximum) > 0) return [`${start}, but limit is ${text(limit)}`];
  if (request !== undefined && compareQuantities(request, maximum) > 0) {
    return [`${start}, but request is ${text(request)}`];
  }
  return [];
}

function checkRatio(name: string, most: Quantity, { type, requests, limits }: Asked): string[] {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const start = `${name} max limit to request ratio per ${type} is ${text(most)}`;
  if (request === undefined || request.nano === 0n) {
    return [`${start}, but no request is specified or request is 0`];
  }
  if (limit === undefined || limit.nano === 0n) {
    return [`${start}, but no limit is specified or limit is 0`];
  }
  const ratio = Number(limit.nano) / Number(request.nano);
  if (ratio <= Number(most.nano) / 1e9) return [];
  return [`${start}, but provided ratio is ${ratio.toFixed(6)}`];
}

function problemsOf(item: JsonObject, asked: Asked): string[] {
  const each = (field: string, check: typeof checkMinimum) =>
    [...amountsOf(objectOr(item[field]))].flatMap(([name, bound]) => check(name, bound, asked));
  return [
    ...each('min', checkMinimum),
    ...each('max', checkMaximum),
    ...each('maxLimitRequestRatio', checkRatio),
  ];
}

const containerAsked = (container: JsonObject): Asked => {
  const resources = objectOr(container['resources']);
  return {
    type: 'Container',
    requests: amountsOf(objectOr(resources['requests'])),
    limits: amountsOf(objectOr(resources['limits'])),
  };
};

function podProblems(pod: KubeObject, ranges: readonly KubeObject[]): string[] {
  const spec = objectOr(pod['spec']);
  const containers = [...objectsOf(spec['containers']), ...objectsOf(spec['initContainers'])];
  return ranges.flatMap(itemsOf).flatMap((item) => {
    if (item['type'] === 'Container') {
      return containers.flatMap((one) => problemsOf(item, containerAsked(one)));
    }
    if (item['type'] !== 'Pod') return [];
    const [requests, limits] = [podAmounts(spec, 'requests'), podAmounts(spec, 'limits')];
    return problemsOf(item, { type: 'Pod', requests, limits });
  });
}

function claimProblems(claim: KubeObject, ranges: readonly KubeObject[]): string[] {
  const requests = amountsOf(objectOr(objectOr(objectOr(claim['spec'])['resources'])['requests']));
  const asked = { type: 'PersistentVolumeClaim', requests, limits: requests };
  return ranges
    .flatMap(itemsOf)
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) =>
      problemsOf({ min: item['min'], max: item['max'] }, asked).map((one) =>
        one.replace('but limit is', 'but request is'),
      ),
    );
}

/** 403 with every bound that the pod or claim breaks. */
export function checkLimitRanges(
  object: KubeObject,
  ranges: readonly KubeObject[],
): StatusError | undefined {
  const isPod = object.kind === 'Pod';
  const problems = isPod ? podProblems(object, ranges) : claimProblems(object, ranges);
  if (problems.length === 0) return undefined;
  const why = problems.length === 1 ? String(problems[0]) : `[${problems.join(', ')}]`;
  const plural = isPod ? 'pods' : 'persistentvolumeclaims';
  return forbidden({ group: '', plural }, object.metadata.name, why);
}
