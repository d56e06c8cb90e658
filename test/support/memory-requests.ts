/** What the API in memory answers outside collections: discovery, DELETE of a collection, `finalize` of a namespace. */
import type { ApiObject, Client } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { namespaces } from '#api/resources/resource-types.ts';
import { notFound } from '#api/resources/status.ts';
import type { MemoryApi } from './memory-collection.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function discovery(types: readonly ResourceType[]) {
  const resource = ({ plural, kind, namespaced }: ResourceType) => ({
    resource: plural,
    responseKind: { kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    verbs,
  });
  const items = types.map((type) => ({
    metadata: { name: type.group },
    versions: [{ version: type.version, resources: [resource(type)] }],
  }));
  return { items };
}

/** The API, which serves these types as far as discovery tells. The list may grow: it is read at each request. */
export function withRequests(api: MemoryApi, types: readonly ResourceType[]): MemoryApi {
  const deleteCollection = async (path: string) => {
    const [, , , version, , namespace, plural] = `/${path}`.replace('/api/', '/apis//').split('/');
    const type = types.find((one) => one.plural === plural && one.version === version);
    if (type === undefined) throw notFound({ group: '', plural: path }, path);
    const collection = api.collection<ApiObject>(type);
    for (const { metadata } of api.store.all(type)) {
      if (metadata.namespace === namespace) await collection.delete(metadata);
    }
  };
  const finalize = (namespace: ApiObject & { spec?: { finalizers?: string[] } }) => {
    const done = (namespace.spec?.finalizers ?? []).length === 0;
    if (done) api.store.remove(namespaces, namespace);
    else api.store.put(namespaces, namespace);
  };
  const request: Client['request'] = async (method, path, body) => {
    api.requests.push(`${method} ${path}`);
    if (path === '/api') return discovery(types.filter(({ group }) => group === ''));
    if (path === '/apis') return discovery(types.filter(({ group }) => group !== ''));
    if (method === 'DELETE') return deleteCollection(path.slice(1));
    if (path.endsWith('/finalize')) return finalize(body as ApiObject);
    throw notFound({ group: '', plural: path }, path);
  };
  return Object.assign(api, { request });
}
