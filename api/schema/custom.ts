/** A CustomResourceDefinition -> the kinds it makes, one for each served version. */
import { apiVersionOf } from '../resources/meta.ts';
import type { CustomResourceDefinition } from '../resources/types.ts';
import type { Column, Kind, Subresource } from './kind.ts';
import type { Schema } from './schema.ts';
import { type JsonSchema, rootSchema } from './structural.ts';

export { checkDefinition } from './definition.ts';
export { definitionStatus } from './definition-status.ts';

type Definition = CustomResourceDefinition['spec'];
type Version = Definition['versions'][number];

/** The order kube-apiserver gives them in discovery. */
const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** The kinds of all served versions. The definition is trusted: `checkDefinition` has passed it. */
export function customKinds(crd: CustomResourceDefinition): Kind[] {
  return crd.spec.versions
    .filter((version) => version.served)
    .map((version) => customKind(crd, version));
}

function customKind(crd: CustomResourceDefinition, version: Version): Kind {
  const { group, names, scope } = crd.spec;
  const stored = crd.spec.versions.find((candidate) => candidate.storage) ?? version;
  const scale = version.subresources?.scale;
  let schema: Schema | undefined;
  return {
    group,
    version: version.name,
    plural: names.plural,
    kind: names.kind,
    namespaced: scope === 'Namespaced',
    listKind: names.listKind ?? `${names.kind}List`,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs,
    subresources: subresourcesOf(crd, version),
    get schema() {
      schema ??= rootSchema((version.schema?.openAPIV3Schema ?? {}) as JsonSchema);
      return schema;
    },
    storagePrefix: `/registry/${group}/${names.plural}`,
    storageApiVersion: apiVersionOf({ group, version: stored.name }),
    columns: columnsOf(version),
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.slice(1)),
    custom: {
      uid: crd.metadata.uid ?? '',
      openAPIV3Schema: version.schema?.openAPIV3Schema ?? {},
      revised: crd.metadata.generation !== 1 || crd.spec.versions.length > 1,
      ...(scale === undefined ? {} : { scale }),
      ...(version.deprecated === true ? { deprecation: deprecationOf(crd, version) } : {}),
    },
    virtual: false,
  };
}

function deprecationOf(crd: CustomResourceDefinition, version: Version): string {
  const { group, names } = crd.spec;
  return version.deprecationWarning ?? `${group}/${version.name} ${names.kind} is deprecated`;
}

function subresourcesOf(crd: CustomResourceDefinition, version: Version): Subresource[] {
  const { group, names } = crd.spec;
  const list: Subresource[] = [];
  const some = ['get', 'patch', 'update'];
  if (version.subresources?.status !== undefined) {
    list.push({ name: 'status', group, version: version.name, kind: names.kind, verbs: some });
  }
  if (version.subresources?.scale !== undefined) {
    list.push({ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: some });
  }
  return list;
}

function columnsOf(version: Version): Column[] {
  const name: Column = { name: 'Name', type: 'string', format: 'name', priority: 0 };
  const columns = version.additionalPrinterColumns;
  if (columns === undefined || columns.length === 0) {
    const age = '.metadata.creationTimestamp';
    return [name, { name: 'Age', type: 'date', format: '', priority: 0, jsonPath: age }];
  }
  const more = columns.map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    priority: column.priority ?? 0,
    ...(column.description === undefined ? {} : { description: column.description }),
    jsonPath: column.jsonPath,
  }));
  return [name, ...more];
}
