/** A pod's class of service (`status.qosClass`), fixed when the pod is made (`kubelet/qos`, `v1/helper/qos`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { addQuantities, compareQuantities, type Quantity } from '#api/resources/quantity.ts';

export type QualityOfService = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COMPUTE = ['cpu', 'memory'];

type Amounts = Map<string, Quantity>;

/** What the containers ask for together, of cpu and memory; zero counts as not asked. */
function total(containers: readonly JsonObject[], of: 'requests' | 'limits'): Amounts {
  const sums: Amounts = new Map();
  for (const container of containers) {
    const amounts = objectOr(objectOr(container['resources'])[of]);
    for (const name of COMPUTE) {
      const amount = amounts[name];
      if (typeof amount !== 'string' && typeof amount !== 'number') continue;
      if (compareQuantities(amount, '0') <= 0) continue;
      sums.set(name, addQuantities(sums.get(name) ?? '0', amount));
    }
  }
  return sums;
}

/** Whether every container limits both cpu and memory. */
function allLimited(containers: readonly JsonObject[]): boolean {
  return containers.every((container) => total([container], 'limits').size === COMPUTE.length);
}

/** The class of a pod with this spec. */
export function qualityOfService(spec: JsonObject): QualityOfService {
  // Resources of the pod as a whole, where there are any, decide alone.
  const whole = isObject(spec['resources']) ? [{ resources: spec['resources'] }] : undefined;
  const all = whole ?? [...objectsOf(spec['containers']), ...objectsOf(spec['initContainers'])];
  const requests = total(all, 'requests');
  const limits = total(all, 'limits');
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const same = COMPUTE.every((name) => {
    const [request, limit] = [requests.get(name), limits.get(name)];
    return request !== undefined && limit !== undefined && compareQuantities(request, limit) === 0;
  });
  return same && allLimited(all) ? 'Guaranteed' : 'Burstable';
}
