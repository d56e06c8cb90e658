/** Rows of services, endpoints, ingresses and policies. */
import { type JsonObject, numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  type Cells,
  firstOf,
  labelsText,
  NONE,
  selectorText,
  specOf,
  statusOf,
  textOr,
  UNSET,
} from './cells.ts';

const SHOWN = 3;

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Addresses a load balancer gave out. */
function balancerText(object: KubeObject): string {
  const entries = objectsOf(objectOr(statusOf(object)['loadBalancer'])['ingress']);
  const addresses = entries.map((entry) => textOr(entry['ip'], stringOr(entry['hostname'])));
  return [...new Set(addresses.filter((address) => address !== ''))].join(',');
}

function externalText(service: KubeObject): string {
  const { type, externalIPs, externalName } = specOf(service);
  const given = strings(externalIPs).join(',');
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return given || NONE;
    case 'LoadBalancer':
      return [balancerText(service), given].filter((text) => text !== '').join(',') || '<pending>';
    case 'ExternalName':
      return stringOr(externalName);
    default:
      return '<unknown>';
  }
}

const portText = ({ port, nodePort, protocol }: JsonObject): string =>
  numberOr(nodePort) > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

export function serviceCells(service: KubeObject): Cells {
  const { type, clusterIP, clusterIPs, ports, selector } = specOf(service);
  return {
    Type: stringOr(type),
    'Cluster-IP': textOr(strings(clusterIPs)[0] ?? clusterIP, NONE),
    'External-IP': externalText(service),
    'Port(s)': objectsOf(ports).map(portText).join(',') || NONE,
    Selector: labelsText(selector),
  };
}

/** `host:port`, with brackets around an IPv6 address. */
const hostPort = (host: string, port: unknown): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function subsetAddresses({ addresses, ports }: JsonObject): string[] {
  const ips = objectsOf(addresses).map((address) => stringOr(address['ip']));
  const open = objectsOf(ports);
  if (open.length === 0) return ips;
  return open.flatMap(({ port }) => ips.map((ip) => hostPort(ip, port)));
}

export function endpointsCells(endpoints: KubeObject): Cells {
  const subsets = objectsOf(endpoints['subsets']);
  if (subsets.length === 0) return { Endpoints: NONE };
  return { Endpoints: firstOf(subsets.flatMap(subsetAddresses), SHOWN) };
}

export function endpointSliceCells(slice: KubeObject): Cells {
  const ports = objectsOf(slice['ports']).map(({ port, name }) => textOr(port, textOr(name, '*')));
  const addresses = objectsOf(slice['endpoints']).flatMap((one) => strings(one['addresses']));
  return {
    AddressType: stringOr(slice['addressType']),
    Ports: ports.length === 0 ? UNSET : firstOf(ports, SHOWN),
    Endpoints: addresses.length === 0 ? UNSET : firstOf(addresses, SHOWN),
  };
}

export function ingressCells(ingress: KubeObject): Cells {
  const { ingressClassName, rules, tls } = specOf(ingress);
  const hosts = objectsOf(rules)
    .map((rule) => stringOr(rule['host']))
    .filter((host) => host !== '');
  return {
    Class: textOr(ingressClassName, NONE),
    Hosts: hosts.length === 0 ? '*' : firstOf(hosts, SHOWN),
    Address: balancerText(ingress),
    Ports: objectsOf(tls).length > 0 ? '80, 443' : '80',
  };
}

export function ingressClassCells(ingressClass: KubeObject): Cells {
  const { controller, parameters } = specOf(ingressClass);
  const { kind, apiGroup, name } = objectOr(parameters);
  const group = apiGroup === undefined ? '' : `.${apiGroup}`;
  return {
    Controller: stringOr(controller),
    Parameters: parameters === undefined ? NONE : `${kind}${group}/${name}`,
  };
}

export const networkPolicyCells = (policy: KubeObject): Cells => ({
  'Pod-Selector': selectorText(specOf(policy)['podSelector']),
});

export const serviceCidrCells = (range: KubeObject): Cells => ({
  CIDRs: strings(specOf(range)['cidrs']).join(','),
});

export function ipAddressCells(address: KubeObject): Cells {
  const { group, resource, namespace, name } = objectOr(specOf(address)['parentRef']);
  const path = [
    [resource, group].filter((part) => textOr(part, '') !== '').join('.'),
    namespace,
    name,
  ];
  return { ParentRef: path.filter((part) => textOr(part, '') !== '').join('/') };
}
