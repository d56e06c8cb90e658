/** Services (`ValidateService`). */
import { isIP } from 'node:net';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelProblems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  checkPort,
  checkUnique,
  duplicate,
  forbiddenField,
  invalidBecause,
  invalidValue,
  required,
} from './causes.ts';
import { PROTOCOLS } from './container.ts';
import { checkLabels } from './metadata.ts';
import { checkPortReference } from './probe.ts';
import { checkTraffic, checkTrafficUpdate } from './service-traffic.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

function checkServicePort(field: string, port: JsonObject, service: JsonObject): StatusCause[] {
  const several = objectsOf(service['ports']).length > 1;
  const name = stringOr(port['name']);
  const { targetPort, nodePort } = port;
  const named = name === '' ? (several ? [required(`${field}.name`)] : []) : undefined;
  const causes = [
    ...(named ?? invalidBecause(`${field}.name`, name, labelProblems(name))),
    ...checkPort(`${field}.port`, port['port']),
    ...checkOneOf(`${field}.protocol`, port['protocol'], PROTOCOLS),
    ...(targetPort === undefined ? [] : checkPortReference(`${field}.targetPort`, targetPort)),
  ];
  const hasNodePort = nodePort !== undefined && nodePort !== 0;
  if (hasNodePort && service['type'] === 'ClusterIP') {
    const detail = "may not be used when `type` is 'ClusterIP'";
    causes.push(forbiddenField(`${field}.nodePort`, detail));
  }
  return causes;
}

function checkServicePorts(spec: JsonObject): StatusCause[] {
  const ports = objectsOf(spec['ports']);
  const headless = spec['clusterIP'] === 'None';
  if (ports.length === 0) {
    return headless || spec['type'] === 'ExternalName' ? [] : [required('spec.ports')];
  }
  const seen = new Set<string>();
  const doubled = ports.flatMap((port, i) => {
    const key = `${port['protocol']}/${port['port']}`;
    if (seen.has(key)) return [duplicate(`spec.ports[${i}]`, port)];
    seen.add(key);
    return [];
  });
  return [
    ...ports.flatMap((port, i) => checkServicePort(`spec.ports[${i}]`, port, spec)),
    ...checkUnique(
      ports.map((port) => port['name']),
      (i) => `spec.ports[${i}].name`,
    ),
    ...doubled,
  ];
}

function checkExternalName(spec: JsonObject): StatusCause[] {
  const name = stringOr(spec['externalName']).replace(/\.$/, '');
  const causes = checkName('spec.externalName', name, subdomainProblems);
  if (stringOr(spec['clusterIP']) !== '') {
    const detail = 'may not be set for ExternalName services';
    causes.push(forbiddenField('spec.clusterIP', detail));
  }
  return causes;
}

function checkAddresses(spec: JsonObject): StatusCause[] {
  const clusterIP = stringOr(spec['clusterIP']);
  const causes: StatusCause[] = [];
  if (clusterIP !== '' && clusterIP !== 'None' && isIP(clusterIP) === 0) {
    const detail = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    causes.push(invalidValue('spec.clusterIPs[0]', clusterIP, detail));
  }
  const outward = spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort';
  if (clusterIP === 'None' && outward) {
    const detail = `may not be set to 'None' for ${spec['type']} services`;
    causes.push(invalidValue('spec.clusterIPs[0]', clusterIP, detail));
  }
  const external = Array.isArray(spec['externalIPs']) ? spec['externalIPs'] : [];
  for (const [i, address] of external.entries()) {
    if (isIP(String(address)) !== 0) continue;
    const detail = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    causes.push(invalidValue(`spec.externalIPs[${i}]`, address, detail));
  }
  return causes;
}

export function checkService(service: KubeObject): StatusCause[] {
  const spec = objectOr(service['spec']);
  return [
    ...checkServicePorts(spec),
    ...checkLabels('spec.selector', spec['selector']),
    ...checkOneOf('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']),
    ...checkOneOf('spec.type', spec['type'], TYPES),
    ...(spec['type'] === 'ExternalName' ? checkExternalName(spec) : checkAddresses(spec)),
    ...checkTraffic(spec),
  ];
}

/** An address or a health check's port that was given stays while the service is of a type that has one. */
export function checkServiceUpdate(service: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(service['spec']), objectOr(old['spec'])];
  if (spec['type'] === 'ExternalName' || before['type'] === 'ExternalName') return [];
  const causes = checkTrafficUpdate(spec, before);
  const address = stringOr(before['clusterIP']);
  if (address === '' || spec['clusterIP'] === address) return causes;
  const list = [spec['clusterIP']];
  return [...causes, invalidValue('spec.clusterIPs[0]', list, 'may not change once set')];
}
