/** The older form of a Service's endpoints: one object, its addresses grouped by the ports they have. Pure. */
import type { ObjectMeta } from '#api/resources/meta.ts';
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Endpoints,
  Pod,
  Service,
} from '#api/resources/types.ts';
import { canonicalJson } from '#controller/runtime/stable-name.ts';
import { defined } from '#controller/runtime/write.ts';
import {
  addressOf,
  canServe,
  familiesOf,
  hostnameOf,
  isHeadless,
  isReady,
  isTerminating,
  portsOf,
  targetOf,
} from './pod-endpoint.ts';
import { headlessLabel } from './service-slices.ts';

export const endpointsManagedBy = 'endpoints.kubernetes.io/managed-by';
export const endpointsController = 'endpoint-controller';

/** More addresses than this are not told (Kubernetes' `maxCapacity`): EndpointSlices have no such bound. */
const capacity = 1_000;
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

type OlderPort = NonNullable<EndpointSubset['ports']>[number];

interface Building {
  readonly ports: EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

const byIp = (a: EndpointAddress, b: EndpointAddress): number =>
  a.ip === b.ip
    ? (a.targetRef?.name ?? '') < (b.targetRef?.name ?? '')
      ? -1
      : 1
    : a.ip < b.ip
      ? -1
      : 1;

/** The subsets of the Service's pods, in an order that does not depend on chance. */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const always = service.spec?.publishNotReadyAddresses === true;
  const [family = 'IPv4'] = familiesOf(service);
  const subsets = new Map<string, Building>();
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    if (!canServe(pod) || ip === undefined || (isTerminating(pod) && !always)) continue;
    const ports = portsOf(pod, service);
    if (ports.length === 0 && !(isHeadless(service) && !service.spec?.ports?.length)) continue;
    const key = canonicalJson(ports);
    const subset = subsets.get(key) ?? { ports, ready: [], notReady: [] };
    subsets.set(key, subset);
    const { nodeName } = pod.spec ?? {};
    const hostname = hostnameOf(pod, service);
    const address = defined({ hostname, ip, nodeName, targetRef: targetOf(pod) });
    (always || isReady(pod) ? subset.ready : subset.notReady).push(address as EndpointAddress);
  }
  return [...subsets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.sort(byIp) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.sort(byIp) }),
      ...(ports.length === 0 ? {} : { ports: ports.map(olderPort) }),
    }));
}

/** Without the name that says nothing: in the older form it is left out. */
function olderPort({ name = '', port = 0, protocol, appProtocol }: EndpointPort): OlderPort {
  return defined({
    name: name === '' ? undefined : name,
    port,
    protocol,
    appProtocol,
  }) as OlderPort;
}

/** At most `left` addresses; those that are ready go first. */
function truncated(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  let left = capacity;
  const take = (addresses: readonly EndpointAddress[] = []) => {
    const taken = addresses.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const notReady = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses));
  return subsets.flatMap(({ ports }, i) => {
    const [addresses = [], notReadyAddresses = []] = [ready[i], notReady[i]];
    if (addresses.length + notReadyAddresses.length === 0) return [];
    return [
      {
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
        ...(ports === undefined ? {} : { ports }),
      },
    ];
  });
}

const newMetadata = ({ metadata: { name, namespace } }: Service): ObjectMeta =>
  defined({ name, namespace }) as ObjectMeta;

/** The `Endpoints` as they should be; `held` keeps the annotations that others gave it. */
export function wantedEndpoints(
  service: Service,
  pods: readonly Pod[],
  held: Endpoints | undefined,
): Endpoints {
  const { labels } = service.metadata;
  const { [headlessLabel]: _, ...own } = labels ?? {};
  const all = subsetsOf(service, pods);
  const subsets = truncated(all);
  const { annotations: given, ...metadata } = held?.metadata ?? newMetadata(service);
  const { [overCapacity]: __, ...annotations } = given ?? {};
  if (count(subsets) < count(all)) annotations[overCapacity] = 'truncated';
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...metadata,
      labels: {
        ...own,
        [endpointsManagedBy]: endpointsController,
        ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
      },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

const count = (subsets: readonly EndpointSubset[]): number =>
  subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) =>
      sum + addresses.length + notReadyAddresses.length,
    0,
  );
