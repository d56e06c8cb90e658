/** `Endpoints` that somebody made by hand, told once more as slices: nodes read nothing else. Pure. */
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type {
  Endpoint,
  EndpointAddress,
  EndpointPort,
  EndpointSlice,
  Endpoints,
  Service,
} from '#api/resources/types.ts';
import { canonicalJson } from '#controller/runtime/stable-name.ts';
import { defined } from '#controller/runtime/write.ts';
import { familyOf, selectsPods } from './pod-endpoint.ts';
import { headlessLabel, managedByLabel, serviceNameLabel } from './service-slices.ts';
import { type Group, type SlicePlan, slicePlan } from './slice-plan.ts';

export const mirrorController = 'endpointslicemirroring-controller.k8s.io';

const skipMirror = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** Says what kubectl applied to the `Endpoints`, not to the slice. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of one subset; Kubernetes' `--mirroring-max-endpoints-per-subset`. */
const perSubset = 1_000;

/** Whether slices are made of the `Endpoints`: not of those that the selector's controller wrote. */
export function isMirrored(
  endpoints: Endpoints | undefined,
  service: Service | undefined,
): endpoints is Endpoints {
  if (endpoints === undefined || service === undefined || selectsPods(service)) return false;
  const { labels, annotations, deletionTimestamp } = endpoints.metadata;
  return (
    deletionTimestamp === undefined &&
    labels?.[skipMirror] !== 'true' &&
    annotations?.[leaderAnnotation] === undefined &&
    service.spec?.type !== 'ExternalName'
  );
}

/** `slices`: our slices of the Service. */
export function mirrorPlan(endpoints: Endpoints, slices: readonly EndpointSlice[]): SlicePlan {
  const { name, namespace = '', uid, resourceVersion, labels = {} } = endpoints.metadata;
  const { [headlessLabel]: _, ...own } = labels;
  const annotations = { ...endpoints.metadata.annotations };
  delete annotations[lastApplied];
  const versions = slices.map(({ metadata }) => metadata.resourceVersion).join(',');
  const frame = {
    namespace,
    prefix: name,
    seed: `${uid}/${resourceVersion}/${versions}`,
    labels: { ...own, [managedByLabel]: mirrorController, [serviceNameLabel]: name },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    owner: ownerReferenceTo(endpoints),
  };
  return slicePlan(frame, groupsOf(endpoints), slices);
}

function groupsOf({ subsets = [] }: Endpoints): Group[] {
  const groups = new Map<string, Group & { endpoints: Endpoint[] }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const all = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ];
    for (const endpoint of all.slice(0, perSubset)) {
      const addressType = familyOf(endpoint.addresses[0] ?? '');
      const key = canonicalJson([addressType, ports]);
      const group = groups.get(key) ?? {
        addressType,
        ports: ports.map(portOf),
        endpoints: [],
      };
      groups.set(key, group);
      group.endpoints.push(endpoint);
    }
  }
  return [...groups.values()];
}

const portOf = ({ name = '', port, protocol = 'TCP', appProtocol }: EndpointPort): EndpointPort =>
  defined({ name, port, protocol, appProtocol }) as EndpointPort;

function endpointOf(address: EndpointAddress, ready: boolean): Endpoint {
  const { ip, hostname, nodeName, targetRef } = address;
  const endpoint = { addresses: [ip], conditions: { ready }, hostname, nodeName, targetRef };
  return defined(endpoint) as Endpoint;
}
