/** What pods ask for and nodes have, as plain numbers by resource name: cpu in millis, all else in whole units. */
import { milliValue, value } from '#api/resources/quantity.ts';
import type { Node, Pod, PodContainer, PodStatus } from '#api/resources/types.ts';

export type Amounts = ReadonlyMap<string, number>;

type Quantities = Readonly<Record<string, string | number>> | undefined;

function amounts(quantities: Quantities): Map<string, number> {
  const result = new Map<string, number>();
  for (const [name, text] of Object.entries(quantities ?? {})) {
    result.set(name, name === 'cpu' ? milliValue(text) : value(text));
  }
  return result;
}

function add(to: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) to.set(name, (to.get(name) ?? 0) + amount);
}

function raise(to: Map<string, number>, least: Amounts): void {
  for (const [name, amount] of least) to.set(name, Math.max(to.get(name) ?? 0, amount));
}

/**
 * What a container asks for and what it has, whichever is more: a resize that waits or is under way. One that never can
 * be does not count (component-helpers `determineContainerReqs`).
 */
function requests(container: PodContainer, status: PodStatus = {}): Map<string, number> {
  const asked = amounts(container.resources?.requests as Quantities);
  const { initContainerStatuses = [], containerStatuses = [], conditions = [] } = status;
  const own = [...containerStatuses, ...initContainerStatuses].find(
    ({ name }) => name === container.name,
  );
  if (own?.resources === undefined) return asked;
  const infeasible = conditions.some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );
  const total = infeasible ? new Map<string, number>() : asked;
  raise(total, amounts(own.resources.requests as Quantities));
  raise(total, amounts(own.allocatedResources as Quantities));
  return total;
}

/**
 * The most a pod asks for at any time of its life (component-helpers `PodRequests`): its containers and sidecars
 * together, or an init container with the sidecars before it, whichever is more; and the overhead.
 */
function computed(pod: Pod): Amounts {
  const total = new Map<string, number>();
  for (const container of pod.spec?.containers ?? []) add(total, requests(container, pod.status));
  const sidecars = new Map<string, number>();
  const starting = new Map<string, number>();
  for (const container of pod.spec?.initContainers ?? []) {
    const wanted = requests(container, pod.status);
    if (container.restartPolicy === 'Always') {
      add(total, wanted);
      add(sidecars, wanted);
      raise(starting, sidecars);
    } else {
      add(wanted, sidecars);
      raise(starting, wanted);
    }
  }
  raise(total, starting);
  const wholePod = amounts(pod.spec?.resources?.requests as Quantities);
  for (const [name, amount] of wholePod) total.set(name, amount);
  add(total, amounts(pod.spec?.overhead as Quantities));
  total.set('pods', 1);
  return total;
}

const known = new WeakMap<Pod, Amounts>();

/** `computed`, once for each object in the cache. */
export function requestsOf(pod: Pod): Amounts {
  let found = known.get(pod);
  if (found === undefined) {
    found = computed(pod);
    known.set(pod, found);
  }
  return found;
}

const knownNodes = new WeakMap<Node, Amounts>();

/** What pods may use of the node. */
export function allocatableOf(node: Node): Amounts {
  let found = knownNodes.get(node);
  if (found === undefined) {
    found = amounts((node.status?.allocatable ?? node.status?.capacity) as Quantities);
    knownNodes.set(node, found);
  }
  return found;
}
