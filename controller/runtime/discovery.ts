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

/** Every resource type in the first, which is the preferred, of its group's versions that serves it; no subresources. */
export async function discover(client: Client, signal?: AbortSignal): Promise<DiscoveredType[]> {
  const ask = (path: string) => client.request('GET', path, undefined, signal, accept);
  const lists = (await Promise.all([ask('/api'), ask('/apis')])) as GroupList[];
  const types = new Map<string, DiscoveredType>();
  for (const { metadata, versions = [] } of lists.flatMap(({ items }) => items)) {
    const group = metadata?.name ?? '';
    for (const { version, resources = [] } of versions) {
      for (const { resource, responseKind, scope, verbs } of resources) {
        const name = `${group}/${resource}`;
        if (types.has(name)) continue;
        const kind = responseKind?.kind ?? '';
        const namespaced = scope === 'Namespaced';
        types.set(name, { group, version, plural: resource, kind, namespaced, verbs });
      }
    }
  }
  return [...types.values()];
}
