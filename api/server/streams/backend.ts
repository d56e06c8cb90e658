/** Where a stream goes on: an agent's node API, or a pod itself. */
import type { Agent, RequestOptions } from 'node:https';
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import { badRequest, failure, notFound } from '#api/resources/status.ts';
import type { WatchCache } from '../../storage/watch-cache.ts';

export interface Backend {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  /** The node whose certificate must answer; absent for pods, whose certificates nobody knows. */
  readonly nodeName?: string;
}

/** The API server's own certificate towards agents, PEM. */
export interface NodeIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const agentPort = 10250;

/** Options of `https.request` or `http.request` that reach the backend and nobody else. */
export function connectOptions(
  backend: Backend,
  { ca, cert, key }: NodeIdentity,
  agent: Agent | false,
): RequestOptions {
  const { host, port, path, nodeName } = backend;
  const place = { host, port, path, agent };
  if (nodeName !== undefined) return { ...place, servername: nodeName, ca, cert, key };
  return { ...place, rejectUnauthorized: false };
}

function nodeObject(cache: WatchCache, name: string): KubeObject {
  const entry = cache.get(`/registry/minions/${name}`);
  if (entry === undefined) throw notFound(nodes, name);
  return entry.object();
}

/** The node's agent, from its Node object. Throws 404, and 503 for a node that has told no address. */
export function nodeBackend(cache: WatchCache, nodeName: string, path: string): Backend {
  const status = objectOr(nodeObject(cache, nodeName)['status']);
  const addresses = objectsOf(status['addresses']);
  const preferred = ['InternalIP', 'ExternalIP', 'Hostname'];
  const found = preferred
    .map((type) => addresses.find((address) => address['type'] === type))
    .find((address) => address !== undefined);
  if (found === undefined) {
    throw failure(503, 'ServiceUnavailable', `the node ${nodeName} has no address in its status`);
  }
  const endpoint = objectOr(objectOr(status['daemonEndpoints'])['kubeletEndpoint']);
  const { Port: port } = endpoint;
  return {
    protocol: 'https:',
    host: stringOr(found['address']),
    port: typeof port === 'number' && port > 0 ? port : agentPort,
    path,
    nodeName,
  };
}

/** The pod. Throws 404. */
export function podObject(cache: WatchCache, namespace: string, name: string): KubeObject {
  const entry = cache.get(`/registry/pods/${namespace}/${name}`);
  if (entry === undefined) throw notFound(pods, name);
  return entry.object();
}

/** A pod's own address: the first port of its containers unless another is named. Throws 400 and 503. */
export function podBackend(
  pod: KubeObject,
  { scheme, port, path }: { scheme: string; port: string; path: string },
): Backend {
  const ip = stringOr(objectOr(pod['status'])['podIP']);
  if (ip === '') {
    throw failure(503, 'ServiceUnavailable', `the pod ${pod.metadata.name} has no address yet`);
  }
  const protocol = scheme === 'https' ? 'https:' : 'http:';
  return { protocol, host: ip, port: podPort(pod, port), path };
}

function podPort(pod: KubeObject, wanted: string): number {
  const containers = objectsOf(objectOr(pod['spec'])['containers']);
  const ports = containers.flatMap((container) => objectsOf(container['ports']));
  const found =
    wanted === ''
      ? ports[0]?.['containerPort']
      : ports.find(({ name }) => name === wanted)?.['containerPort'];
  const port = found ?? (wanted === '' ? 80 : Number(wanted));
  if (typeof port === 'number' && port > 0 && port < 65536) return port;
  throw badRequest(`invalid port ${JSON.stringify(wanted)} of pod ${pod.metadata.name}`);
}
