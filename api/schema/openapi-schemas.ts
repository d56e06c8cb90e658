/** Schema -> OpenAPI v3 component schemas, the way kube-apiserver publishes them. */
import type { Description } from './descriptions.ts';
import { describedField } from './descriptions.ts';
import type { Field, Schema } from './schema.ts';

export type Json = Record<string, unknown>;

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
/** Kubernetes' own scalars are components too: explain prints their names. */
const scalarComponents = new Map<Schema['type'], readonly [string, Json]>([
  ['time', [`${meta}.Time`, { type: 'string', format: 'date-time' }]],
  ['micro-time', [`${meta}.MicroTime`, { type: 'string', format: 'date-time' }]],
  [
    'quantity',
    [
      'io.k8s.apimachinery.pkg.api.resource.Quantity',
      { oneOf: [{ type: 'string' }, { type: 'number' }] },
    ],
  ],
  [
    'int-or-string',
    [
      'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
      { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
    ],
  ],
]);

/** All components of Kubernetes' own scalars, by name. */
export function scalarSchemas(): Json {
  return Object.fromEntries(scalarComponents.values());
}

/** A reference to a component. */
export function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** The named types below `roots`, themselves included, by name. */
export function namedTypes(roots: Iterable<Schema>): Map<string, Schema> {
  const found = new Map<string, Schema>();
  const visit = (schema: Schema): void => {
    if (schema.also !== undefined) return;
    if (schema.items !== undefined) visit(schema.items);
    if (schema.name === undefined || found.has(schema.name)) return;
    found.set(schema.name, schema);
    for (const field of schema.fields?.values() ?? []) visit(field.schema);
  };
  for (const root of roots) visit(root);
  return found;
}

/** The component of a built-in type. */
export function componentOf(schema: Schema, description: Description): Json {
  const properties: Json = {};
  for (const [name, field] of schema.fields ?? []) {
    properties[name] = propertyOf(field, describedField(description, name));
  }
  return {
    ...(description.type === undefined ? {} : { description: description.type }),
    type: 'object',
    ...((schema.required?.length ?? 0) === 0 ? {} : { required: schema.required }),
    ...(schema.fields === undefined || schema.fields.size === 0 ? {} : { properties }),
    ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
  };
}

function propertyOf(field: Field, description: string | undefined): Json {
  const shape = shapeOf(field.schema);
  const prose = description === undefined ? {} : { description };
  const body = '$ref' in shape ? { ...prose, allOf: [shape] } : { ...prose, ...shape };
  return {
    ...body,
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(field.patchMergeKey === undefined
      ? {}
      : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(field.patchStrategy === undefined
      ? {}
      : { 'x-kubernetes-patch-strategy': field.patchStrategy.join(',') }),
  };
}

function shapeOf(schema: Schema): Json {
  const scalar = scalarComponents.get(schema.type);
  if (scalar !== undefined) return reference(scalar[0]);
  if (schema.also !== undefined) return {};
  switch (schema.type) {
    case 'object':
      return schema.name === undefined ? { type: 'object' } : reference(schema.name);
    case 'map':
      return {
        type: 'object',
        additionalProperties: itemsOf(schema),
        ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
      };
    case 'array':
      return {
        type: 'array',
        items: itemsOf(schema),
        ...(schema.listMapKeys === undefined
          ? {}
          : { 'x-kubernetes-list-map-keys': schema.listMapKeys }),
        ...(schema.listType === undefined ? {} : { 'x-kubernetes-list-type': schema.listType }),
      };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'any':
      return { type: 'object' };
    default:
      return {
        type: schema.type,
        ...(schema.format === undefined ? {} : { format: schema.format }),
        ...(schema.enum === undefined ? {} : { enum: schema.enum }),
      };
  }
}

function itemsOf(schema: Schema): Json {
  const shape = shapeOf(schema.items ?? { type: 'any' });
  return '$ref' in shape ? { allOf: [shape] } : shape;
}

const typeMeta: Json = {
  apiVersion: {
    description: 'The group and version of the API that this object is written for.',
    type: 'string',
  },
  kind: { description: 'The kind of object that this is.', type: 'string' },
};

/** The component of a custom kind: its definition's schema, with what every object has. */
export function customComponent(schema: unknown): Json {
  const written = (schema ?? {}) as { type?: string; properties?: Json };
  return {
    ...written,
    type: 'object',
    properties: {
      ...(written.properties ?? {}),
      ...typeMeta,
      metadata: {
        description: "The object's name, labels and the like.",
        allOf: [reference(`${meta}.ObjectMeta`)],
      },
    },
  };
}

/** The component of a kind's list. */
export function listComponent(kind: string, itemName: string): Json {
  return {
    description: `${kind}List is a list of ${kind}.`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta,
      items: { type: 'array', items: { allOf: [reference(itemName)] } },
      metadata: { allOf: [reference(`${meta}.ListMeta`)] },
    },
  };
}
