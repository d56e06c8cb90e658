/** Schema -> OpenAPI v3 component schemas, the way kube-apiserver publishes them. */
import type { Description } from './descriptions.ts';
import { describedField } from './descriptions.ts';
import {
  type Dialect,
  type Json,
  meta,
  patchExtensions,
  type Scalars,
  shapeOf,
  typeMeta,
} from './openapi-shape.ts';
import type { Field, Schema } from './schema.ts';

/** Kubernetes' own scalars are components too: explain prints their names. */
const scalarComponents: Scalars = new Map<Schema['type'], readonly [string, Json]>([
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
  const shape = shapeOf(field.schema, dialect);
  const prose = description === undefined ? {} : { description };
  const body = '$ref' in shape ? { ...prose, allOf: [shape] } : { ...prose, ...shape };
  return {
    ...body,
    ...(field.default === undefined ? {} : { default: field.default }),
    ...patchExtensions(field),
  };
}

const dialect: Dialect = {
  scalars: scalarComponents,
  reference,
  // Beside a reference v3 ignores everything: it stands alone, in a list of one.
  held: (shape) => ('$ref' in shape ? { allOf: [shape] } : shape),
  enums: true,
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
