/** Services: what was allocated stays when an update leaves it out (`registry/core/service`). */
import { equalJson, isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
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

const isChecked = (spec: JsonObject): boolean =>
  spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';

function keepHealthPort(spec: JsonObject, old: JsonObject): void {
  if (!isChecked(spec) || !isChecked(old) || old['healthCheckNodePort'] === undefined) return;
  if ((spec['healthCheckNodePort'] ?? 0) === 0)
    spec['healthCheckNodePort'] = old['healthCheckNodePort'];
}

const differs = (a: unknown, b: unknown): boolean => !equalJson(a ?? null, b ?? null);

/** What the type before brought with it and the new one has no use for goes, unless it was changed too. */
function dropForType(spec: JsonObject, old: JsonObject): void {
  if (spec['type'] === 'ExternalName' && old['type'] !== 'ExternalName') {
    const addresses = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'];
    if (!differs(spec['clusterIP'], old['clusterIP'])) {
      for (const field of addresses) delete spec[field];
    }
  }
  const had = NODE_PORT_TYPES.includes(String(old['type']));
  if (had && !NODE_PORT_TYPES.includes(String(spec['type']))) {
    const before = objectsOf(old['ports']).map((port) => port['nodePort']);
    for (const port of objectsOf(spec['ports'])) {
      if (before.includes(port['nodePort'])) delete port['nodePort'];
    }
    if (!differs(spec['externalTrafficPolicy'], old['externalTrafficPolicy'])) {
      const hasExternalIPs = Array.isArray(spec['externalIPs']) && spec['externalIPs'].length > 0;
      if (!hasExternalIPs) delete spec['externalTrafficPolicy'];
    }
  }
  if (isChecked(old) && !isChecked(spec)) {
    if (!differs(spec['healthCheckNodePort'], old['healthCheckNodePort'])) {
      delete spec['healthCheckNodePort'];
    }
  }
  if (old['type'] !== 'LoadBalancer' || spec['type'] === 'LoadBalancer') return;
  for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass']) {
    if (!differs(spec[field], old[field])) delete spec[field];
  }
}

/** Changes `service` in place: addresses and node ports it does not name are those of `old`. */
export function prepareServiceUpdate(service: KubeObject, old: KubeObject): void {
  if (!isObject(service['spec'])) return;
  const before = objectOr(old['spec']);
  dropForType(service['spec'], before);
  keepClusterIP(service['spec'], before);
  keepNodePorts(service['spec'], before);
  keepHealthPort(service['spec'], before);
}
