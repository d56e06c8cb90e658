/** Ingresses, network policies, endpoints and their slices (`apis/networking`, `apis/discovery`). */
import { isIP } from 'node:net';
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  checkPort,
  invalidBecause,
  invalidValue,
  required,
} from './causes.ts';
import { PROTOCOLS } from './container.ts';
import { checkSelector } from './label-selector.ts';
import { checkPortReference } from './probe.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function checkBackend(field: string, backend: unknown): StatusCause[] {
  const { service, resource } = objectOr(backend);
  if (isObject(resource)) return [];
  if (!isObject(service)) return [required(field, 'must specify a service or a resource')];
  const { name, number } = objectOr(service['port']);
  const causes = checkName(`${field}.service.name`, service['name'], subdomainProblems);
  if (stringOr(name) !== '') return causes;
  if (number === undefined || number === 0) {
    return [...causes, required(`${field}.service.port`, 'port name or number is required')];
  }
  return [...causes, ...checkPort(`${field}.service.port.number`, number)];
}

function checkPath(field: string, path: JsonObject): StatusCause[] {
  const { pathType } = path;
  const text = stringOr(path['path']);
  const causes: StatusCause[] = [];
  if (pathType === undefined) {
    causes.push(required(`${field}.pathType`, 'pathType must be specified'));
  } else {
    causes.push(...checkOneOf(`${field}.pathType`, pathType, PATH_TYPES));
  }
  const mayBeEmpty = pathType === 'ImplementationSpecific' && text === '';
  if (!mayBeEmpty && !text.startsWith('/')) {
    causes.push(invalidValue(`${field}.path`, text, 'must be an absolute path'));
  }
  return [...causes, ...checkBackend(`${field}.backend`, path['backend'])];
}

function checkHost(field: string, host: string): StatusCause[] {
  if (host === '') return [];
  if (isIP(host) !== 0) return [invalidValue(field, host, 'must be a DNS name, not an IP address')];
  return invalidBecause(field, host, subdomainProblems(host.replace(/^\*\./, '')));
}

export function checkIngress(ingress: KubeObject): StatusCause[] {
  const { rules, defaultBackend } = objectOr(ingress['spec']);
  const list = objectsOf(rules);
  if (list.length === 0 && !isObject(defaultBackend)) {
    const detail = 'either `defaultBackend` or `rules` must be specified';
    return [invalidValue('spec', list, detail)];
  }
  const backend = isObject(defaultBackend)
    ? checkBackend('spec.defaultBackend', defaultBackend)
    : [];
  const causes = list.flatMap((rule, i) => {
    const at = `spec.rules[${i}]`;
    const { http } = rule;
    const paths = objectsOf(objectOr(http)['paths']);
    return [
      ...checkHost(`${at}.host`, stringOr(rule['host'])),
      ...(isObject(http) && paths.length === 0 ? [required(`${at}.http.paths`)] : []),
      ...paths.flatMap((path, j) => checkPath(`${at}.http.paths[${j}]`, path)),
    ];
  });
  return [...backend, ...causes];
}

function checkPeer(field: string, peer: JsonObject): StatusCause[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (!isObject(ipBlock)) {
    const causes = [
      ...checkSelector(`${field}.podSelector`, podSelector),
      ...checkSelector(`${field}.namespaceSelector`, namespaceSelector),
    ];
    const none = !isObject(podSelector) && !isObject(namespaceSelector);
    return none ? [...causes, required(field, 'must specify a peer')] : causes;
  }
  const cidr = stringOr(ipBlock['cidr']);
  const [address = '', bits = ''] = cidr.split('/');
  const fits = isIP(address) !== 0 && /^\d+$/.test(bits);
  const detail = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  return fits ? [] : [invalidValue(`${field}.ipBlock.cidr`, cidr, detail)];
}

function checkPolicyRule(field: string, rule: JsonObject, peers: string): StatusCause[] {
  const ports = objectsOf(rule['ports']).flatMap(({ port, protocol }, i) => [
    ...checkOneOf(`${field}.ports[${i}].protocol`, protocol, PROTOCOLS),
    ...(port === undefined ? [] : checkPortReference(`${field}.ports[${i}].port`, port)),
  ]);
  const sides = objectsOf(rule[peers]).flatMap((peer, i) =>
    checkPeer(`${field}.${peers}[${i}]`, peer),
  );
  return [...ports, ...sides];
}

export function checkNetworkPolicy(policy: KubeObject): StatusCause[] {
  const spec = objectOr(policy['spec']);
  const types = Array.isArray(spec['policyTypes']) ? spec['policyTypes'] : [];
  return [
    ...checkSelector('spec.podSelector', spec['podSelector']),
    ...objectsOf(spec['ingress']).flatMap((rule, i) =>
      checkPolicyRule(`spec.ingress[${i}]`, rule, 'from'),
    ),
    ...objectsOf(spec['egress']).flatMap((rule, i) =>
      checkPolicyRule(`spec.egress[${i}]`, rule, 'to'),
    ),
    ...types.flatMap((type, i) =>
      checkOneOf(`spec.policyTypes[${i}]`, type, ['Egress', 'Ingress']),
    ),
  ];
}

export function checkEndpointSlice(slice: KubeObject): StatusCause[] {
  const types = ['FQDN', 'IPv4', 'IPv6'];
  return [
    ...checkOneOf('addressType', slice['addressType'], types),
    ...objectsOf(slice['endpoints']).flatMap(({ addresses }, i) =>
      Array.isArray(addresses) && addresses.length > 0
        ? []
        : [required(`endpoints[${i}].addresses`, 'must contain at least 1 address')],
    ),
  ];
}

export function checkEndpoints(endpoints: KubeObject): StatusCause[] {
  return objectsOf(endpoints['subsets']).flatMap((subset, i) => {
    const all = [...objectsOf(subset['addresses']), ...objectsOf(subset['notReadyAddresses'])];
    if (all.length === 0) {
      return [required(`subsets[${i}]`, 'must specify `addresses` or `notReadyAddresses`')];
    }
    return objectsOf(subset['ports']).flatMap(({ port }, j) =>
      checkPort(`subsets[${i}].ports[${j}].port`, port),
    );
  });
}
