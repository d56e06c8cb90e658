/** Finds the resource type a person means by `po`, `pods`, `pod`, `deployments.apps` or a document's kind. */
import type { RemoteClient } from '#api/client/client.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import { UsageError } from './arguments.ts';
import { requestAs } from './connection.ts';

export interface DiscoveredType extends ResourceType {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}

/** The parts of apidiscovery.k8s.io/v2 that we read. */
interface GroupDiscovery {
  readonly metadata?: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind: string };
      readonly scope: string;
      readonly singularResource?: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
      readonly verbs?: readonly string[];
    }[];
  }[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function typesOf(group: GroupDiscovery): DiscoveredType[] {
  return group.versions.flatMap(({ version, resources = [] }) =>
    resources.map((resource) => ({
      group: group.metadata?.name ?? '',
      version,
      plural: resource.resource,
      kind: resource.responseKind?.kind ?? '',
      namespaced: resource.scope === 'Namespaced',
      singular: resource.singularResource ?? '',
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: resource.verbs ?? [],
    })),
  );
}

/** All served types, the preferred version of each group first, the core group before all others. */
export async function discover(client: RemoteClient): Promise<DiscoveredType[]> {
  const ask = async (path: string): Promise<DiscoveredType[]> => {
    const answer = await requestAs(client, path, accept);
    return (answer as { items: GroupDiscovery[] }).items.flatMap(typesOf);
  };
  const [core, groups] = await Promise.all([ask('/api'), ask('/apis')]);
  return [...core, ...groups];
}

/** The type a person names, with or without its group; throws UsageError if there is none. */
export function typeNamed(types: readonly DiscoveredType[], text: string): DiscoveredType {
  const [name = '', ...groupParts] = text.toLowerCase().split('.');
  const group = groupParts.join('.');
  const found = types.find(
    (type) =>
      (group === '' || type.group === group) &&
      (type.plural === name ||
        type.singular === name ||
        type.shortNames.includes(name) ||
        type.kind.toLowerCase() === name),
  );
  if (found !== undefined) return found;
  throw new UsageError(
    `the server doesn't have a resource type "${text}"; 'bay api-resources' lists them`,
  );
}

/** The type of a document; `undefined` if the server does not know it (yet). */
export function typeOfKind(
  types: readonly DiscoveredType[],
  object: { readonly apiVersion: string; readonly kind: string },
): DiscoveredType | undefined {
  return types.find(
    (type) => apiVersionOf(type) === object.apiVersion && type.kind === object.kind,
  );
}

/** The URL path of a type's collection, or of one object in it. */
export function pathOf(type: ResourceType, namespace: string | undefined, name?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${type.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
