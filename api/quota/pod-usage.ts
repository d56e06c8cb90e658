/** What a pod uses of a quota (`pkg/quota/v1/evaluator/core/pods.go`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Quantity } from '#api/resources/quantity.ts';
import { type Amounts, add, amountsOf, listOf, number, raise } from './amounts.ts';

type Part = 'requests' | 'limits';

const partOf = (container: JsonObject, part: Part): Map<string, Quantity> =>
  amountsOf(objectOr(objectOr(container['resources'])[part]));

const isInfeasible = (status: JsonObject): boolean =>
  objectsOf(status['conditions']).some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );

/**
 * The container with what it has as well as what it asks for: a resize that waits, or is under way, costs the larger of
 * both, one that never can be costs nothing more.
 */
function withStatus(container: JsonObject, status: JsonObject, list: string): JsonObject {
  const statuses = objectsOf(
    status[list === 'containers' ? 'containerStatuses' : 'initContainerStatuses'],
  );
  const own = statuses.find(({ name }) => name === container['name']);
  if (!isObject(own?.['resources'])) return container;
  const resources: Record<Part, Record<string, string>> = { requests: {}, limits: {} };
  for (const part of ['requests', 'limits'] as const) {
    const amounts = partOf(own, part);
    if (part === 'requests') raise(amounts, amountsOf(objectOr(own['allocatedResources'])));
    if (!isInfeasible(status)) raise(amounts, partOf(container, part));
    resources[part] = listOf(amounts);
  }
  return { ...container, resources };
}

/** A pod's spec with what its containers have. */
function specWithStatus(pod: KubeObject): JsonObject {
  const [spec, status] = [objectOr(pod['spec']), objectOr(pod['status'])];
  const each = (list: string) =>
    objectsOf(spec[list]).map((container) => withStatus(container, status, list));
  return { ...spec, containers: each('containers'), initContainers: each('initContainers') };
}

/**
 * The most a pod has at any time of its life: its containers and sidecars together, or an init container with the
 * sidecars before it, whichever is more; and the overhead.
 */
export function podAmounts(spec: JsonObject, part: Part): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  for (const container of objectsOf(spec['containers'])) add(total, partOf(container, part));
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const container of objectsOf(spec['initContainers'])) {
    const wanted = partOf(container, part);
    if (container['restartPolicy'] === 'Always') {
      add(total, wanted);
      add(sidecars, wanted);
      raise(starting, sidecars);
    } else {
      add(wanted, sidecars);
      raise(starting, wanted);
    }
  }
  raise(total, starting);
  for (const [name, amount] of partOf(spec, part)) total.set(name, amount);
  const overhead = amountsOf(objectOr(spec['overhead']));
  for (const name of overhead.keys()) {
    // Overhead counts towards limits that there are.
    if (part === 'limits' && !total.has(name)) overhead.delete(name);
  }
  add(total, overhead);
  return total;
}

/** A pod that has ended, or should have, holds nothing but its name. */
export function isOver(pod: KubeObject, now: Date): boolean {
  const phase = objectOr(pod['status'])['phase'];
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now.getTime() > Date.parse(deletionTimestamp);
}

const plain = ['cpu', 'memory', 'ephemeral-storage'];

const isExtended = (name: string): boolean =>
  name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name);

export function podUsage(pod: KubeObject, now: Date): Amounts {
  const usage = new Map<string, Quantity>([['count/pods', number(1)]]);
  if (isOver(pod, now)) return usage;
  usage.set('pods', number(1));
  const spec = specWithStatus(pod);
  for (const [name, amount] of podAmounts(spec, 'requests')) {
    const huge = name.startsWith('hugepages-');
    if (plain.includes(name) || huge) usage.set(name, amount);
    if (plain.includes(name) || huge || isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(spec, 'limits')) {
    if (plain.includes(name)) usage.set(`limits.${name}`, amount);
  }
  return usage;
}

/** Containers that do not say what the quota counts, as the refusal names them. */
export function unsaid(pod: KubeObject, names: readonly string[]): string {
  const spec = objectOr(pod['spec']);
  const all = [...objectsOf(spec['containers']), ...objectsOf(spec['initContainers'])];
  const whole = isObject(spec['resources']);
  const told = names
    .filter((name) => /^((requests|limits)\.)?(cpu|memory)$/.test(name))
    .sort()
    .flatMap((name) => {
      const [part, resource] = name.includes('.') ? name.split('.') : ['requests', name];
      const says = (one: JsonObject) =>
        Object.hasOwn(objectOr(objectOr(one['resources'])[part ?? '']), resource ?? '');
      if (whole && says(spec)) return [];
      const silent = all.filter((one) => !says(one)).map((one) => String(one['name']));
      return silent.length === 0 ? [] : [`${name} for: ${silent.sort().join(',')}`];
    });
  return told.length === 0 ? '' : `must specify ${told.join('; ')}`;
}
