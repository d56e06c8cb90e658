/** What objects use of a quota, by kind. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { parseQuantity, type Quantity } from '#api/resources/quantity.ts';
import { type Amounts, amountsOf, number } from './amounts.ts';
import { podUsage } from './pod-usage.ts';

const one = number(1);

/** Counted by these names for a long time, before there was `count/…`. */
const plainNames = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

export const countName = ({ group, plural }: Pick<ResourceType, 'group' | 'plural'>): string =>
  `count/${plural}${group === '' ? '' : `.${group}`}`;

function serviceUsage(service: KubeObject): Map<string, Quantity> {
  const spec = objectOr(service['spec']);
  const usage = new Map([['services', one]]);
  const ports = number(objectsOf(spec['ports']).length);
  if (spec['type'] === 'NodePort') usage.set('services.nodeports', ports);
  if (spec['type'] === 'LoadBalancer') {
    usage.set('services.loadbalancers', one);
    const given = objectsOf(spec['ports']).filter(({ nodePort }) => Number(nodePort ?? 0) > 0);
    const allocated = spec['allocateLoadBalancerNodePorts'] !== false;
    usage.set('services.nodeports', allocated ? ports : number(given.length));
  }
  return usage;
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

function claimUsage(claim: KubeObject): Map<string, Quantity> {
  const spec = objectOr(claim['spec']);
  const asked = amountsOf(objectOr(objectOr(spec['resources'])['requests'])).get('storage');
  const allocated = amountsOf(objectOr(objectOr(claim['status'])['allocatedResources'])).get(
    'storage',
  );
  const larger = allocated !== undefined && asked !== undefined && allocated.nano > asked.nano;
  const storage = (larger ? allocated : asked) ?? parseQuantity('0');
  const usage = new Map([
    ['persistentvolumeclaims', one],
    ['requests.storage', storage],
  ]);
  const name = claim.metadata.annotations?.[classAnnotation] ?? stringOr(spec['storageClassName']);
  if (name === '') return usage;
  const suffix = '.storageclass.storage.k8s.io/';
  usage.set(`${name}${suffix}requests.storage`, storage);
  usage.set(`${name}${suffix}persistentvolumeclaims`, one);
  return usage;
}

/** By resource name; of the kind's stored form. */
export function usageOf(type: ResourceType, object: KubeObject, now: Date): Amounts {
  if (type.group !== '') return new Map([[countName(type), one]]);
  if (type.plural === 'pods') return podUsage(object, now);
  const usage =
    type.plural === 'services'
      ? serviceUsage(object)
      : type.plural === 'persistentvolumeclaims'
        ? claimUsage(object)
        : new Map(plainNames.has(type.plural) ? [[type.plural, one]] : []);
  return usage.set(countName(type), one);
}

/** The resource (`plural` or `plural.group`) whose objects use what is called so; `undefined` if none does. */
export function resourceOf(name: string): string | undefined {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (name.startsWith('services.')) return 'services';
  if (name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/')) {
    return 'persistentvolumeclaims';
  }
  if (plainNames.has(name)) return name;
  const isPods =
    name === 'pods' ||
    /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$/.test(name) ||
    /^(requests\.)?hugepages-/.test(name) ||
    /^requests\..+\/.+/.test(name);
  return isPods ? 'pods' : undefined;
}
