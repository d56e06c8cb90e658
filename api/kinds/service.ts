/** Services: what was allocated stays when an update leaves it out (`registry/core/service`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

const NODE_PORT_TYPES = ['NodePort', 'LoadBalancer'];

function keepClusterIP(spec: JsonObject, old: JsonObject): void {
  if (spec['type'] === 'ExternalName' || old['type'] === 'ExternalName') return;
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    const value = spec[field];
    const absent =
      value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
    if (absent && old[field] !== undefined) spec[field] = old[field];
  }
}

const sameEntry = (a: JsonObject, b: JsonObject): boolean =>
  a['port'] === b['port'] && (a['protocol'] ?? 'TCP') === (b['protocol'] ?? 'TCP');

function keepNodePorts(spec: JsonObject, old: JsonObject): void {
  if (!NODE_PORT_TYPES.includes(String(spec['type']))) return;
  for (const port of objectsOf(spec['ports'])) {
    if (port['nodePort'] !== undefined && port['nodePort'] !== 0) continue;
    const before = objectsOf(old['ports']).find((other) => sameEntry(port, other));
    if (before?.['nodePort'] !== undefined) port['nodePort'] = before['nodePort'];
  }
}

/** Changes `service` in place: addresses and node ports it does not name are those of `old`. */
export function prepareServiceUpdate(service: KubeObject, old: KubeObject): void {
  if (!isObject(service['spec'])) return;
  const before = objectOr(old['spec']);
  keepClusterIP(service['spec'], before);
  keepNodePorts(service['spec'], before);
}
