/** From a subresource's URL to the backend that serves it. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, invalid, notFound } from '#api/resources/status.ts';
import { enforcedLevel } from '../../admission/pod-security/pod-security.ts';
import type { WatchCache } from '../../storage/watch-cache.ts';
import { fileOperations, type ResourceTarget } from '../request-info.ts';
import { type Backend, nodeBackend, podBackend, podObject } from './backend.ts';
import { containerOf } from './container.ts';
import { checkAddress, serviceBackend } from './endpoints.ts';

const logNumbers = ['sinceSeconds', 'tailLines', 'limitBytes'];
/** `untilTime` is docker's; Kubernetes has none. */
const logTimes = ['sinceTime', 'untilTime'];
const logParameters = [
  ...['follow', 'previous', 'timestamps', 'stream'],
  ...logTimes,
  ...logNumbers,
];

function assigned(pod: KubeObject): string {
  const nodeName = stringOr(objectOr(pod['spec'])['nodeName']);
  if (nodeName !== '') return nodeName;
  throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
}

function logQuery(query: URLSearchParams, name: string): string {
  const problem = (field: string, message: string) =>
    invalid({ group: '', kind: 'PodLogOptions' }, name, [
      { reason: 'FieldValueInvalid', field, message },
    ]);
  const passed = new URLSearchParams();
  for (const parameter of logParameters) {
    const value = query.get(parameter);
    if (value === null || value === '') continue;
    if (logNumbers.includes(parameter) && !/^\d+$/.test(value)) {
      throw problem(parameter, `Invalid value: ${value}: must be greater than or equal to 0`);
    }
    passed.set(parameter, value);
  }
  if (passed.has('sinceSeconds') && passed.has('sinceTime')) {
    const message = 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified';
    throw problem('sinceSeconds', message);
  }
  return passed.size === 0 ? '' : `?${passed}`;
}

/** `exec` and `attach` without the container, which is part of the agent's path. */
function passedQuery(query: URLSearchParams): string {
  const passed = new URLSearchParams(query);
  passed.delete('container');
  // Older clients say `1`, and agents know one way to say yes.
  for (const flag of ['stdin', 'stdout', 'stderr', 'tty']) {
    if (passed.get(flag) === '1') passed.set(flag, 'true');
  }
  return passed.size === 0 ? '' : `?${passed}`;
}

/** The agent's part of a pod's stream; `undefined` for the log of a pod that no node has yet: it is empty. */
function podStream(
  cache: WatchCache,
  { namespace = '', name = '', subresource = '' }: ResourceTarget,
  query: URLSearchParams,
): Backend | undefined {
  const pod = podObject(cache, namespace, name);
  const at = `${namespace}/${name}`;
  if (subresource === 'portforward') {
    return nodeBackend(cache, assigned(pod), `/portForward/${at}${passedQuery(query)}`);
  }
  const container = containerOf(pod, query.get('container'));
  if (subresource !== 'log') {
    const path = `/${subresource}/${at}/${container}${passedQuery(query)}`;
    return nodeBackend(cache, assigned(pod), path);
  }
  const path = `/containerLogs/${at}/${container}${logQuery(query, name)}`;
  if (stringOr(objectOr(pod['spec'])['nodeName']) === '') return undefined;
  return nodeBackend(cache, assigned(pod), path);
}

/** A pod in its node's network has the node's address, wherever that leads. */
function checkedPod(
  cache: WatchCache,
  pod: KubeObject,
  asked: { scheme: string; port: string; path: string },
): Backend {
  const backend = podBackend(pod, asked);
  const spec = objectOr(pod['spec']);
  const node = cache.get(`/registry/minions/${stringOr(spec['nodeName'])}`)?.object();
  const addresses = objectsOf(objectOr(node?.['status'])['addresses']);
  const isNode = addresses.some(({ address }) => address === backend.host);
  if (spec['hostNetwork'] !== true || !isNode) checkAddress(backend.host);
  return backend;
}

/** `[scheme:]name[:port]`, as the names of proxied things are written. */
function proxiedName(text: string): { scheme: string; name: string; port: string } {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: '', name: first, port: '' };
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  return { scheme: first, name: second, port: third };
}

/** The path was decoded to find what it asks for: what no path may hold is written as it came. */
const encoded = (path: string): string => encodeURI(path).replace(/[?#]/g, encodeURIComponent);

function proxy(
  cache: WatchCache,
  { resource, namespace = '', name: text = '', rest }: ResourceTarget,
  query: URLSearchParams,
): Backend {
  const { scheme, name, port } = proxiedName(text);
  const path = `${rest === '' ? '/' : encoded(rest)}${query.size === 0 ? '' : `?${query}`}`;
  if (resource === 'nodes') return nodeBackend(cache, name, path);
  if (resource === 'pods')
    return checkedPod(cache, podObject(cache, namespace, name), { scheme, port, path });
  return serviceBackend(cache, namespace, { scheme, name, port, path });
}

/** Files of a Pod's container, or of a Container, which keeps them on the node where it ran. */
function files(
  cache: WatchCache,
  { group, resource, namespace = '', name = '', subresource = '' }: ResourceTarget,
  query: URLSearchParams,
): Backend {
  if (resource === 'pods' && group === '') {
    const pod = podObject(cache, namespace, name);
    const container = containerOf(pod, query.get('container'));
    const path = `/files/${namespace}/${name}/${container}/${subresource}${passedQuery(query)}`;
    return nodeBackend(cache, assigned(pod), path);
  }
  if (resource !== 'containers' || group !== 'bayplan.dev') {
    throw notFound({ group, plural: resource }, subresource);
  }
  const found = cache.get(`/registry/bayplan.dev/containers/${namespace}/${name}`)?.object();
  if (found === undefined) throw notFound({ group, plural: resource }, name);
  const node = stringOr(objectOr(found['status'])['node']);
  if (node === '') {
    const message = `container ${name} has not been started yet: it has no files`;
    throw failure(409, 'Conflict', message);
  }
  const passed = new URLSearchParams(query);
  passed.set('uid', found.metadata.uid ?? '');
  return nodeBackend(cache, node, `/files/${namespace}/${name}/main/${subresource}?${passed}`);
}

/** An exec with every capability would pass by what the namespace asks of its pods. Throws 403. */
function checkPrivileged(
  cache: WatchCache,
  { namespace = '', name = '' }: ResourceTarget,
  query: URLSearchParams,
): void {
  if (query.get('privileged') !== 'true') return;
  const level = enforcedLevel(cache.get(`/registry/namespaces/${namespace}`)?.object());
  if (level === 'privileged') return;
  const message = `exec in container ${name}: privileged is forbidden, namespace ${namespace} enforces the Pod Security level ${level}`;
  throw failure(403, 'Forbidden', message);
}

/** Where the stream goes on; `undefined` if it is known to be empty. Throws 400, 404, 422, 503. */
export function locate(
  cache: WatchCache,
  target: ResourceTarget,
  query: URLSearchParams,
): Backend | undefined {
  if (target.subresource === 'proxy') return proxy(cache, target, query);
  if (fileOperations.has(target.subresource ?? '')) return files(cache, target, query);
  if (target.resource === 'containers' && target.subresource === 'exec') {
    checkPrivileged(cache, target, query);
    return files(cache, target, query);
  }
  if (target.resource === 'containers' && target.subresource === 'log') {
    return files(cache, target, query);
  }
  if (target.resource === 'pods') return podStream(cache, target, query);
  throw notFound({ group: target.group, plural: target.resource }, target.subresource ?? '');
}
