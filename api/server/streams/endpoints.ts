/** Where a service's requests go: one of its ready endpoints, chosen at random. */
import { randomInt } from 'node:crypto';
import { BlockList } from 'node:net';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, notFound } from '#api/resources/status.ts';
import type { WatchCache } from '../../storage/watch-cache.ts';
import type { Backend } from './backend.ts';

/** Addresses that lead back to this machine, to its neighbours' link or nowhere: nothing is proxied there. */
const closed = new BlockList();
closed.addSubnet('127.0.0.0', 8, 'ipv4');
closed.addSubnet('169.254.0.0', 16, 'ipv4');
closed.addSubnet('0.0.0.0', 8, 'ipv4');
closed.addSubnet('224.0.0.0', 3, 'ipv4');
closed.addAddress('::1', 'ipv6');
closed.addAddress('::', 'ipv6');
closed.addSubnet('fe80::', 10, 'ipv6');
closed.addSubnet('ff00::', 8, 'ipv6');

/** Throws 400 for an address that clients must not reach through this server. */
export function checkAddress(address: string): void {
  if (closed.check(address, address.includes(':') ? 'ipv6' : 'ipv4')) {
    throw badRequest(`address not allowed: ${address}`);
  }
}

interface Place {
  readonly address: string;
  readonly port: number;
}

/** The port of the service that is asked for; 503 as for a service without endpoints. */
function servicePort(service: KubeObject, wanted: string): JsonObject {
  const ports = objectsOf(objectOr(service['spec'])['ports']);
  const found =
    wanted === ''
      ? ports[0]
      : ports.find(({ name, port }) => name === wanted || String(port) === wanted);
  if (found !== undefined) return found;
  const { name } = service.metadata;
  throw failure(
    503,
    'ServiceUnavailable',
    `no service port ${JSON.stringify(wanted)} found for service ${JSON.stringify(name)}`,
  );
}

function slicePlaces(
  cache: WatchCache,
  service: KubeObject,
  portName: string,
): Place[] | undefined {
  const { namespace, name } = service.metadata;
  const slices = cache
    .list(`/registry/endpointslices/${namespace}/`)
    .entries.filter(({ labels }) => labels['kubernetes.io/service-name'] === name);
  if (slices.length === 0) return undefined;
  return slices.flatMap((entry) => {
    const slice = entry.object();
    const ports = objectsOf(slice['ports']).filter((one) => stringOr(one['name']) === portName);
    const ready = objectsOf(slice['endpoints']).filter(
      ({ conditions }) => objectOr(conditions)['ready'] !== false,
    );
    return ready.flatMap(({ addresses }) =>
      ports.map(({ port }) => ({
        address: stringOr(Array.isArray(addresses) ? addresses[0] : ''),
        port: Number(port),
      })),
    );
  });
}

/** Of `Endpoints` that somebody made by hand. */
function endpointPlaces(
  cache: WatchCache,
  service: KubeObject,
  portName: string,
): Place[] | undefined {
  const { namespace, name } = service.metadata;
  const entry = cache.get(`/registry/services/endpoints/${namespace}/${name}`);
  if (entry === undefined) return undefined;
  return objectsOf(entry.object()['subsets']).flatMap((subset) => {
    const ports = objectsOf(subset['ports']).filter((one) => stringOr(one['name']) === portName);
    return objectsOf(subset['addresses']).flatMap(({ ip }) =>
      ports.map(({ port }) => ({ address: stringOr(ip), port: Number(port) })),
    );
  });
}

const isReady = (pod: KubeObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  objectsOf(objectOr(pod['status'])['conditions']).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );

function targetPort(pod: KubeObject, { targetPort: wanted, port }: JsonObject): number | undefined {
  if (typeof wanted === 'number') return wanted;
  if (typeof wanted !== 'string') return Number(port);
  const ports = objectsOf(objectOr(pod['spec'])['containers']).flatMap((one) =>
    objectsOf(one['ports']),
  );
  const found = ports.find(({ name }) => name === wanted)?.['containerPort'];
  return typeof found === 'number' ? found : undefined;
}

/** Straight from the pods, while nobody has written their endpoints down yet. */
function podPlaces(cache: WatchCache, service: KubeObject, port: JsonObject): Place[] {
  const selector = Object.entries(objectOr(objectOr(service['spec'])['selector']));
  if (selector.length === 0) return [];
  return cache
    .list(`/registry/pods/${service.metadata.namespace}/`)
    .entries.filter(({ labels }) => selector.every(([key, value]) => labels[key] === value))
    .map((entry) => entry.object())
    .filter(isReady)
    .flatMap((pod) => {
      const address = stringOr(objectOr(pod['status'])['podIP']);
      const number = targetPort(pod, port);
      return address === '' || number === undefined ? [] : [{ address, port: number }];
    });
}

/** The service's backend. Throws 400, 404, 503. */
export function serviceBackend(
  cache: WatchCache,
  namespace: string,
  {
    scheme,
    name,
    port: wanted,
    path,
  }: { scheme: string; name: string; port: string; path: string },
): Backend {
  const service = cache.get(`/registry/services/specs/${namespace}/${name}`)?.object();
  if (service === undefined) throw notFound({ group: '', plural: 'services' }, name);
  const port = servicePort(service, wanted);
  const portName = stringOr(port['name']);
  const places =
    slicePlaces(cache, service, portName) ??
    endpointPlaces(cache, service, portName) ??
    podPlaces(cache, service, port);
  if (places.length === 0) {
    const message = `no endpoints available for service ${JSON.stringify(name)}`;
    throw failure(503, 'ServiceUnavailable', message);
  }
  const place = places[randomInt(places.length)] as Place;
  checkAddress(place.address);
  const protocol = scheme === 'https' ? 'https:' : 'http:';
  return { protocol, host: place.address, port: place.port, path };
}
