/** The paths of an OpenAPI v3 document: for each kind and subresource what can be done there, and with which parameters. */
import type { Kind, Subresource } from './kind.ts';
import { reference } from './openapi-schemas.ts';
import type { Json } from './openapi-shape.ts';

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What of a kind or subresource an operation needs. */
interface Target {
  readonly gvk: Gvk;
  /** The component of the bodies; undefined: no schema for them. */
  readonly component: string | undefined;
  readonly custom: boolean;
}

const string = { type: 'string', uniqueItems: true };
const integer = { type: 'integer', uniqueItems: true };
const boolean = { type: 'boolean', uniqueItems: true };
const query = (name: string, schema: Json): Json => ({ name, in: 'query', schema });

const pretty = query('pretty', string);
const dryRun = query('dryRun', string);
const writing = [pretty, dryRun, query('fieldManager', string), query('fieldValidation', string)];
const patching = [...writing, query('force', boolean)];
const deleting = [
  pretty,
  dryRun,
  query('gracePeriodSeconds', integer),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', boolean),
  query('orphanDependents', boolean),
  query('propagationPolicy', string),
];
const listing = [
  pretty,
  query('allowWatchBookmarks', boolean),
  query('continue', string),
  query('fieldSelector', string),
  query('labelSelector', string),
  query('limit', integer),
  query('resourceVersion', string),
  query('resourceVersionMatch', string),
  query('sendInitialEvents', boolean),
  query('timeoutSeconds', integer),
  query('watch', boolean),
];
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
];
const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** All paths of one kind below `/api/v1` or `/apis/<group>/<version>`. `componentOf`: a body type's component. */
export function pathsOf(
  kind: Kind,
  root: string,
  componentOf: (gvk: Gvk) => string | undefined,
): Json {
  const target = targetOf(kind, kind, componentOf);
  const home = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.plural}`
    : `${root}/${kind.plural}`;
  const place = kind.namespaced ? [path('namespace')] : [];
  const paths: Json = {};
  const collection = collectionOperations(kind, target);
  if (Object.keys(collection).length > 0) paths[home] = { ...collection, parameters: place };
  if (kind.namespaced && kind.verbs.includes('list')) {
    paths[`${root}/${kind.plural}`] = { get: listOperation(kind, target) };
  }
  const item = itemOperations(kind.verbs, target);
  const named = [path('name'), ...place];
  if (Object.keys(item).length > 0) paths[`${home}/{name}`] = { ...item, parameters: named };
  for (const sub of kind.subresources) {
    const operations = subresourceOperations(sub, targetOf(kind, sub, componentOf));
    paths[`${home}/{name}/${sub.name}`] = { ...operations, parameters: named };
  }
  return paths;
}

const path = (name: string): Json => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

function targetOf(parent: Kind, of: Gvk, componentOf: (gvk: Gvk) => string | undefined): Target {
  const { group, version, kind } = of;
  const custom = parent.custom !== undefined;
  return { gvk: { group, version, kind }, component: componentOf(of), custom };
}

function collectionOperations(kind: Kind, target: Target): Json {
  const operations: Json = {};
  if (kind.verbs.includes('list')) operations['get'] = listOperation(kind, target);
  if (kind.verbs.includes('create'))
    operations['post'] = operation('post', target, writing, bodyTypes);
  if (kind.verbs.includes('deletecollection')) {
    operations['delete'] = operation('deletecollection', target, [...listing, ...deleting]);
  }
  return operations;
}

function listOperation(kind: Kind, target: Target): Json {
  const component = target.component === undefined ? undefined : `${target.component}List`;
  return operation('list', { ...target, component: kind.virtual ? undefined : component }, listing);
}

function itemOperations(verbs: readonly string[], target: Target): Json {
  const operations: Json = {};
  if (verbs.includes('get')) operations['get'] = operation('get', target, [pretty]);
  if (verbs.includes('update')) operations['put'] = operation('put', target, writing, bodyTypes);
  if (verbs.includes('patch')) operations['patch'] = patchOperation(target);
  if (verbs.includes('delete')) operations['delete'] = operation('delete', target, deleting);
  return operations;
}

function subresourceOperations(sub: Subresource, target: Target): Json {
  const operations = itemOperations(sub.verbs, target);
  if (sub.verbs.includes('create')) {
    operations['post'] = operation('post', target, writing, bodyTypes);
  }
  return operations;
}

function patchOperation(target: Target): Json {
  const types = target.custom
    ? patchTypes
    : [...patchTypes, 'application/strategic-merge-patch+json'];
  const schema = { type: 'object' };
  return {
    ...operation('patch', target, patching),
    requestBody: {
      content: Object.fromEntries(types.map((type) => [type, { schema }])),
      required: true,
    },
  };
}

function operation(
  action: string,
  { gvk, component, custom }: Target,
  parameters: readonly Json[],
  accepted?: readonly string[],
): Json {
  const schema = component === undefined ? { type: 'object' } : reference(component);
  const types = custom ? accepted?.slice(0, 2) : accepted;
  const body =
    types === undefined
      ? {}
      : { requestBody: { content: contentOf(types, schema), required: true } };
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
    parameters,
    ...body,
    responses: { 200: { description: 'OK', content: contentOf(['application/json'], schema) } },
  };
}

function contentOf(types: readonly string[], schema: Json): Json {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
