/** Which node ports a Service holds, and which it is still to get. */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Wanted } from './node-ports.ts';

/** The node ports that the service holds. */
export function portsOf(service: KubeObject | undefined): number[] {
  const spec = objectOr(service?.['spec']);
  const ports = [
    ...objectsOf(spec['ports']).map(({ nodePort }) => nodePort),
    spec['healthCheckNodePort'],
  ];
  return [...new Set(ports)].filter((port) => typeof port === 'number' && port > 0) as number[];
}

function takesNodePorts(spec: JsonObject): boolean {
  if (spec['type'] === 'NodePort') return true;
  return spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false;
}

const takesHealthPort = (spec: JsonObject): boolean =>
  spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';

export const healthPortField = 'spec.healthCheckNodePort';

export interface OpenPort {
  readonly wanted: Wanted;
  readonly field: string;
  readonly set: (port: number) => void;
}

/** The node ports that are still to be had: those of one service port share theirs between protocols. */
export function openPorts(spec: JsonObject, held: readonly number[]): OpenPort[] {
  const open: OpenPort[] = [];
  if (takesNodePorts(spec)) {
    const groups = new Map<string, { field: string; ports: JsonObject[] }>();
    for (const [i, port] of objectsOf(spec['ports']).entries()) {
      const { nodePort } = port;
      const chosen = typeof nodePort === 'number' && nodePort > 0;
      if (chosen && held.includes(nodePort)) continue;
      const key = chosen ? `chosen ${nodePort}` : `any ${port['port']}`;
      const group = groups.get(key) ?? { field: `spec.ports[${i}].nodePort`, ports: [] };
      group.ports.push(port);
      groups.set(key, group);
    }
    for (const [key, { field, ports }] of groups) {
      const [how = '', number] = key.split(' ');
      const set = (given: number) => {
        for (const port of ports) port['nodePort'] = given;
      };
      open.push({ wanted: how === 'any' ? 'any' : Number(number), field, set });
    }
  }
  if (!takesHealthPort(spec)) return open;
  const { healthCheckNodePort: chosen } = spec;
  if (typeof chosen === 'number' && held.includes(chosen)) return open;
  const wanted: Wanted = typeof chosen === 'number' && chosen > 0 ? chosen : 'any';
  const set = (port: number) => {
    spec['healthCheckNodePort'] = port;
  };
  return [...open, { wanted, field: healthPortField, set }];
}
