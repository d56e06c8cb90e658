/** Which resource types the API serves, as its aggregated discovery tells. */
import type { Client } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';

export interface DiscoveredType extends ResourceType {
  readonly verbs: readonly string[];
}

/** apidiscovery.k8s.io/v2 `APIGroupDiscoveryList`, as far as it is read. */
interface GroupList {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
      }[];
    }[];
  }[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Every resource type in every version, each group's preferred one first; no subresources. */
export async function discoverAll(client: Client, signal?: AbortSignal): Promise<DiscoveredType[]> {
  const ask = (path: string) => client.request('GET', path, undefined, signal, accept);
  const lists = (await Promise.all([ask('/api'), ask('/apis')])) as GroupList[];
  return lists
    .flatMap(({ items }) => items)
    .flatMap(({ metadata, versions = [] }) =>
      versions.flatMap(({ version, resources = [] }) =>
        resources.map(({ resource, responseKind, scope, verbs }) => ({
          group: metadata?.name ?? '',
          version,
          plural: resource,
          kind: responseKind?.kind ?? '',
          namespaced: scope === 'Namespaced',
          verbs,
        })),
      ),
    );
}

/** Every resource type in the first, which is the preferred, of its group's versions that serves it. */
export async function discover(client: Client, signal?: AbortSignal): Promise<DiscoveredType[]> {
  const types = new Map<string, DiscoveredType>();
  for (const type of await discoverAll(client, signal)) {
    const name = `${type.group}/${type.plural}`;
    if (!types.has(name)) types.set(name, type);
  }
  return [...types.values()];
}
