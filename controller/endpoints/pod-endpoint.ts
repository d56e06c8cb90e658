/** What a pod is to a Service: an endpoint, or none. Pure. */
import type { Endpoint, EndpointPort, Pod, Service, ServicePort } from '#api/resources/types.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';

export type AddressType = 'IPv4' | 'IPv6' | 'FQDN';

/** A pod that has ended serves nobody; one without an address cannot be reached. */
export const canServe = ({ status }: Pod): boolean =>
  status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && (status?.podIP ?? '') !== '';

export const isReady = (pod: Pod): boolean => isTrue(pod.status?.conditions, 'Ready');

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/** `None` as the cluster's address: clients speak to the pods themselves. */
export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';

/** Whether the Service says which pods are its endpoints. */
export const selectsPods = ({ spec }: Service): boolean =>
  spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;

export const familyOf = (ip: string): 'IPv4' | 'IPv6' => (ip.includes(':') ? 'IPv6' : 'IPv4');

/** The families of the Service's addresses; its first is that of its `Endpoints`. */
export function familiesOf({ spec }: Service): readonly AddressType[] {
  const families = (spec?.ipFamilies ?? []) as AddressType[];
  if (families.length > 0) return families;
  return [(spec?.clusterIP ?? '').includes(':') ? 'IPv6' : 'IPv4'];
}

/** The pod's address of the family. */
export function addressOf({ status }: Pod, family: AddressType): string | undefined {
  const all = [...(status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []), status?.podIP ?? ''];
  return all.find((ip) => ip !== '' && familyOf(ip) === family);
}

/** The name that cluster DNS gives the pod below the headless Service which its `subdomain` names. */
export function hostnameOf({ spec }: Pod, service: Service): string | undefined {
  const { hostname = '', subdomain } = spec ?? {};
  return hostname !== '' && subdomain === service.metadata.name ? hostname : undefined;
}

/** The number behind the Service's port in this pod; undefined: no container has a port of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const { targetPort } = port;
  if (typeof targetPort === 'number') return targetPort === 0 ? port.port : targetPort;
  if (targetPort === undefined || targetPort === '') return port.port;
  const sidecars = (pod.spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = container.ports?.find(
      ({ name, protocol = 'TCP' }) => name === targetPort && protocol === (port.protocol ?? 'TCP'),
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** The Service's ports as this pod has them; those that it has not are left out. */
export function portsOf(pod: Pod, service: Service): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [defined({ name, port: number, protocol, appProtocol }) as EndpointPort];
  });
}

/** The pod as an endpoint of the Service; undefined: it has no address of the family. */
export function endpointOf(
  pod: Pod,
  service: Service,
  family: AddressType,
  zone: string | undefined,
): Endpoint | undefined {
  const address = addressOf(pod, family);
  if (address === undefined) return undefined;
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  return defined({
    addresses: [address],
    conditions: { ready, serving, terminating },
    hostname: hostnameOf(pod, service),
    nodeName: pod.spec?.nodeName,
    targetRef: targetOf(pod),
    zone,
    hints: ready ? hintsOf(service, pod.spec?.nodeName, zone) : undefined,
  }) as Endpoint;
}

const preferences = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

/** For whom the endpoint is meant first by the Service's `trafficDistribution`: its own zone, its own node. */
function hintsOf(
  { spec }: Service,
  node: string | undefined,
  zone: string | undefined,
): Endpoint['hints'] | undefined {
  const wish = spec?.trafficDistribution;
  if (wish === undefined || !preferences.includes(wish)) return undefined;
  const forZones = zone === undefined ? undefined : [{ name: zone }];
  const isForNode = wish === 'PreferSameNode' && node !== undefined;
  const forNodes = isForNode ? [{ name: node }] : undefined;
  return forZones === undefined && forNodes === undefined
    ? undefined
    : defined({ forZones, forNodes });
}

/** A reference to the pod, for those who want to know who is behind an address. */
export const targetOf = ({ metadata: { name, namespace, uid } }: Pod) =>
  defined({ kind: 'Pod', namespace, name, uid });
