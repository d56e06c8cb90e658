/** Services and their endpoints as documents, as little as a node's network looks at. */
import type { EndpointSlice, Service } from '#api/resources/types.ts';

export const nodeName = 'node-1';

let version = 1;
const stamped = <T extends { metadata: object }>(object: T): T => ({
  ...object,
  metadata: { namespace: 'default', ...object.metadata, resourceVersion: String(version++) },
});

interface PortSpec {
  readonly port: number;
  readonly targetPort?: number;
  readonly protocol?: string;
  readonly nodePort?: number;
  readonly name?: string;
}

/** A Service's document. */
export function service(name: string, spec: Record<string, unknown>, labels = {}): Service {
  const clusterIP = spec['clusterIP'];
  return stamped({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { type: 'ClusterIP', clusterIPs: [clusterIP], ...spec },
  }) as unknown as Service;
}

export interface Place {
  readonly ip: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  /** For clients of which zone the endpoint is meant. */
  readonly forZone?: string;
}

/** The one slice of a Service. */
export function slice(
  name: string,
  places: readonly Place[],
  ports: readonly PortSpec[],
): EndpointSlice {
  return stamped({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: places.map(({ ip, node = nodeName, forZone, ...conditions }) => ({
      ...(forZone === undefined ? {} : { hints: { forZones: [{ name: forZone }] } }),
      addresses: [ip],
      nodeName: node,
      conditions: { ready: true, ...conditions },
    })),
    ports: ports.map(({ name: portName = '', port, targetPort = port, protocol = 'TCP' }) => ({
      name: portName,
      port: targetPort,
      protocol,
    })),
  }) as unknown as EndpointSlice;
}
