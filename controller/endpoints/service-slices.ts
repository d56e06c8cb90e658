/** Which endpoints a Service should have, and the frame of its slices. Pure. */
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Endpoint, EndpointPort, EndpointSlice, Pod, Service } from '#api/resources/types.ts';
import { canonicalJson } from '#controller/runtime/stable-name.ts';
import {
  type AddressType,
  canServe,
  endpointOf,
  familiesOf,
  isHeadless,
  portsOf,
} from './pod-endpoint.ts';
import { type Frame, type Group, type SlicePlan, slicePlan } from './slice-plan.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';

export const sliceController = 'endpointslice-controller.k8s.io';

export interface View {
  readonly service: Service;
  /** All pods that the Service selects. */
  readonly pods: readonly Pod[];
  /** Our slices of the Service. */
  readonly slices: readonly EndpointSlice[];
  readonly zoneOf: (node: string) => string | undefined;
}

export function plan({ service, pods, slices, zoneOf }: View): SlicePlan {
  const serving = pods.filter(canServe).toSorted(byName);
  const groups = familiesOf(service).flatMap((family) =>
    groupsOf(service, serving, family, zoneOf),
  );
  return slicePlan(frameOf(service, slices), groups, slices);
}

const byName = (a: Pod, b: Pod): number => (a.metadata.name < b.metadata.name ? -1 : 1);

/** The Service's labels, those that say whose slice it is, and the rest of what its slices share. */
function frameOf(service: Service, slices: readonly EndpointSlice[]): Frame {
  const { name, namespace = '', uid, resourceVersion, labels = {} } = service.metadata;
  const reserved = new Set([serviceNameLabel, managedByLabel, headlessLabel]);
  const own = Object.entries(labels).filter(([key]) => !reserved.has(key));
  const versions = slices.map(({ metadata }) => metadata.resourceVersion).join(',');
  return {
    namespace,
    prefix: name,
    seed: `${uid}/${resourceVersion}/${versions}`,
    labels: {
      ...Object.fromEntries(own),
      [managedByLabel]: sliceController,
      [serviceNameLabel]: name,
      ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    },
    owner: ownerReferenceTo(service),
  };
}

/** Pods whose named ports are different numbers cannot share a slice. */
function groupsOf(
  service: Service,
  pods: readonly Pod[],
  addressType: AddressType,
  zoneOf: View['zoneOf'],
): Group[] {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const endpoint = endpointOf(pod, service, addressType, zoneOf(pod.spec?.nodeName ?? ''));
    if (endpoint === undefined) continue;
    const ports = portsOf(pod, service);
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  if (groups.size === 0) return [{ addressType, ports: [], endpoints: [] }];
  return [...groups.values()].map((group) => ({ addressType, ...group }));
}
