/** Which documents a command line means: `TYPE NAME…`, `TYPE/NAME…`, files, directories, selectors. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ListOptions } from '#api/client/collection.ts';
import { query as queryText, resourcePath } from '#api/client/paths.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { type DiscoveredType, discover, typeNamed, typeOfKind } from '../discovery.ts';
import type { Manifest } from '../manifests.ts';
import { pathOfPlace } from './requests.ts';

export interface Selection {
  readonly words: readonly string[];
  readonly filename?: readonly string[] | undefined;
  readonly kustomize?: string | undefined;
  readonly recursive?: boolean | undefined;
  readonly selector?: string | undefined;
  readonly 'field-selector'?: string | undefined;
  readonly all?: boolean | undefined;
  readonly 'all-namespaces'?: boolean | undefined;
  readonly namespace?: string | undefined;
}

/** Names of one type, or all that the selectors let through. */
export interface Asked {
  readonly type: DiscoveredType;
  /** Absent: all namespaces, or a type that has none. */
  readonly namespace: string | undefined;
  /** Absent: a list. */
  readonly names?: readonly string[];
  /** Of the names, what a file says and where. */
  readonly manifest?: Manifest;
}

/** A document and its type. */
export interface Found {
  readonly type: DiscoveredType;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly object: KubeObject;
  readonly manifest?: Manifest;
}

const separately =
  "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'bay get resource/<resource_name>' instead of 'bay get resource resource/<resource_name>')";

/** The types of a word: `pods`, `deploy,svc`, `all`. */
export function typesOf(types: readonly DiscoveredType[], word: string): DiscoveredType[] {
  return word.split(',').flatMap((name) => {
    const members = types.filter(({ categories }) => categories.includes(name));
    const own = [...new Map(members.map((one) => [`${one.plural}.${one.group}`, one])).values()];
    return own.length > 0 ? own : [typeNamed(types, name)];
  });
}

const place = (type: DiscoveredType, { namespace = 'default' }: Selection) =>
  type.namespaced ? namespace : undefined;

function byWords(types: readonly DiscoveredType[], selection: Selection): Asked[] {
  const { words, selector, all, 'field-selector': fields } = selection;
  if (words.some((word) => word.includes('/'))) {
    if (!words.every((word) => word.includes('/'))) throw new UsageError(separately);
    return words.map((word) => {
      const [typeName = '', name = '', more] = word.split('/');
      if (typeName === '' || name === '' || more !== undefined) {
        throw new UsageError(
          `arguments in resource/name form must have a single resource and name: '${word}'`,
        );
      }
      const type = typeNamed(types, typeName);
      return { type, namespace: place(type, selection), names: [name] };
    });
  }
  const [first = '', ...names] = words;
  const found = typesOf(types, first);
  if (names.length > 0 && selector !== undefined) {
    throw new UsageError('name cannot be provided when a selector is specified');
  }
  if (names.length > 0 && all === true) {
    throw new UsageError('name cannot be provided when --all is specified');
  }
  if (names.length > 0 && fields !== undefined) {
    throw new UsageError('name cannot be provided when a field selector is specified');
  }
  const everywhere = selection['all-namespaces'] === true;
  if (names.length > 0 && everywhere) {
    throw new UsageError('a resource cannot be retrieved by name across all namespaces');
  }
  return found.map((type) => ({
    type,
    namespace: everywhere ? undefined : place(type, selection),
    ...(names.length > 0 ? { names } : {}),
  }));
}

/** The documents of `-f` and `-k`. */
export async function manifestsOf(selection: Selection): Promise<Manifest[]> {
  const { filename = [], kustomize, recursive = false } = selection;
  const { readManifests } = await import('../manifests.ts');
  const fromFiles = readManifests(filename, { recursive });
  if (kustomize === undefined) return fromFiles;
  const { readKustomization } = await import('./kustomize.ts');
  return [...fromFiles, ...(await readKustomization(kustomize))];
}

/** What a document of a file is on the server. @throws Error that names the file and the line */
export function askedBy(
  types: readonly DiscoveredType[],
  manifest: Manifest,
  namespace: string | undefined,
): Asked {
  const { object, place: where } = manifest;
  const type = typeOfKind(types, object);
  if (type === undefined) {
    throw new Error(
      `${where}: no matches for kind "${object.kind}" in version "${object.apiVersion}"; ensure CRDs are installed first`,
    );
  }
  const own = object.metadata.namespace;
  if (type.namespaced && namespace !== undefined && own !== undefined && own !== namespace) {
    throw new Error(
      `${where}: the namespace from the provided object "${own}" does not match the namespace "${namespace}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  return {
    type,
    namespace: type.namespaced ? (own ?? namespace ?? 'default') : undefined,
    names: [object.metadata.name],
    manifest,
  };
}

const hasFiles = ({ filename, kustomize }: Selection): boolean =>
  (filename?.length ?? 0) > 0 || kustomize !== undefined;

/** What the command line asks for, without asking the server for the documents. */
export async function select(
  client: RemoteClient,
  selection: Selection,
  command: string,
): Promise<Asked[]> {
  if (hasFiles(selection)) {
    if (selection.words.length > 0) {
      throw new UsageError(
        'when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well',
      );
    }
    const [manifests, types] = await Promise.all([manifestsOf(selection), discover(client)]);
    return manifests.map((one) => askedBy(types, one, selection.namespace));
  }
  if (selection.words.length === 0) {
    throw new UsageError(
      `you must specify the type of resource to ${command}: bay ${command} TYPE/NAME; 'bay api-resources' lists the types`,
    );
  }
  return byWords(await discover(client), selection);
}

/** The path of a list with its selectors. */
export function listPath({ type, namespace }: Asked, selection: Selection, limit = {}): string {
  const parameters = {
    labelSelector: selection.selector,
    fieldSelector: selection['field-selector'],
    ...limit,
  };
  return `${resourcePath(type, { namespace })}${queryText(parameters)}`;
}

const asFound = (asked: Asked, object: KubeObject): Found => ({
  type: asked.type,
  name: object.metadata.name,
  namespace: object.metadata.namespace,
  object,
  ...(asked.manifest === undefined ? {} : { manifest: asked.manifest }),
});

async function listed(client: RemoteClient, asked: Asked, selection: Selection): Promise<Found[]> {
  const { type, namespace } = asked;
  const options: ListOptions = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(selection.selector === undefined ? {} : { labelSelector: selection.selector }),
    ...(selection['field-selector'] === undefined
      ? {}
      : { fieldSelector: selection['field-selector'] }),
  };
  const { items } = await client.collection<KubeObject>(type).list(options);
  return items.map((object) => asFound(asked, object));
}

/**
 * The documents one after another, each told to `each`; what fails, be it to read or in `each`, is told to `failed` and
 * does not keep the others back.
 */
export async function eachFound(
  client: RemoteClient,
  selection: Selection,
  command: string,
  each: (found: Found) => Promise<void>,
  failed: (error: unknown) => void,
): Promise<number> {
  let count = 0;
  const guarded = async (work: () => Promise<void>) => work().catch(failed);
  for (const asked of await select(client, selection, command)) {
    if (asked.names === undefined) {
      if (needsChoice(selection)) {
        throw new UsageError(
          `resource(s) were provided, but no name was specified: bay ${command} ${asked.type.singular}/NAME, -l SELECTOR or --all`,
        );
      }
      await guarded(async () => {
        for (const found of await listed(client, asked, selection)) {
          count += 1;
          await guarded(() => each(found));
        }
      });
      continue;
    }
    for (const name of asked.names) {
      await guarded(async () => {
        const path = pathOfPlace({ ...asked, name });
        const object = (await client.request('GET', path)) as KubeObject;
        count += 1;
        await each(asFound(asked, object));
      });
    }
  }
  return count;
}

const needsChoice = (selection: Selection): boolean =>
  selection.selector === undefined &&
  selection['field-selector'] === undefined &&
  selection.all !== true;
