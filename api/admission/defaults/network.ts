/** Defaults of services, endpoints, ingresses and policies (`core/v1`, `discovery/v1`, `networking/v1`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { ensureObject, fill, isUnset } from './fill.ts';

const AFFINITY_SECONDS = 10_800;

function defaultAffinity(spec: JsonObject): void {
  fill(spec, { sessionAffinity: 'None' });
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  if (spec['sessionAffinity'] !== 'ClientIP') return;
  const client = ensureObject(ensureObject(spec, 'sessionAffinityConfig'), 'clientIP');
  fill(client, { timeoutSeconds: AFFINITY_SECONDS });
}

export function defaultService(service: KubeObject): void {
  const spec = ensureObject(service, 'spec');
  defaultAffinity(spec);
  fill(spec, { type: 'ClusterIP' });
  for (const port of objectsOf(spec['ports'])) {
    if (isUnset(port['targetPort']) || port['targetPort'] === 0) port['targetPort'] = port['port'];
  }
  const outward = spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort';
  const hasExternalIPs = Array.isArray(spec['externalIPs']) && spec['externalIPs'].length > 0;
  if (outward || (spec['type'] === 'ClusterIP' && hasExternalIPs)) {
    fill(spec, { externalTrafficPolicy: 'Cluster' });
  }
  if (spec['type'] !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
  if (spec['type'] === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
  defaultBalanced(service);
}

/** Addresses that a balancer gave the Service lead to it unless they say otherwise. */
export function defaultBalanced(service: KubeObject): void {
  if (objectOr(service['spec'])['type'] !== 'LoadBalancer') return;
  const balanced = objectOr(objectOr(service['status'])['loadBalancer']);
  for (const ingress of objectsOf(balanced['ingress'])) {
    if (!isUnset(ingress['ip'])) fill(ingress, { ipMode: 'VIP' });
  }
}

export function defaultEndpoints(endpoints: KubeObject): void {
  for (const { ports } of objectsOf(endpoints['subsets'])) {
    for (const port of objectsOf(ports)) fill(port, { protocol: 'TCP' });
  }
}

export function defaultEndpointSlice(slice: KubeObject): void {
  for (const port of objectsOf(slice['ports'])) {
    if (isUnset(port['name'])) port['name'] = '';
    fill(port, { protocol: 'TCP' });
  }
}

export function defaultNetworkPolicy(policy: KubeObject): void {
  const spec = ensureObject(policy, 'spec');
  for (const rule of [...objectsOf(spec['ingress']), ...objectsOf(spec['egress'])]) {
    for (const port of objectsOf(rule['ports'])) fill(port, { protocol: 'TCP' });
  }
  const types = spec['policyTypes'];
  if (Array.isArray(types) && types.length > 0) return;
  const hasEgress = objectsOf(spec['egress']).length > 0;
  spec['policyTypes'] = hasEgress ? ['Ingress', 'Egress'] : ['Ingress'];
}

export function defaultIngressClass(ingressClass: KubeObject): void {
  const { parameters } = objectOr(ingressClass['spec']);
  if (isObject(parameters)) fill(parameters, { scope: 'Cluster' });
}
