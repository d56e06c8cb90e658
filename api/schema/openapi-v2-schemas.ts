/** Schemas as OpenAPI v2 can say them: built-in types, and custom kinds with what v2 has no words for left out. */
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

const scalars: Scalars = new Map<Schema['type'], readonly [string, Json]>([
  ['time', [`${meta}.Time`, { type: 'string', format: 'date-time' }]],
  ['micro-time', [`${meta}.MicroTime`, { type: 'string', format: 'date-time' }]],
  ['quantity', ['io.k8s.apimachinery.pkg.api.resource.Quantity', { type: 'string' }]],
  [
    'int-or-string',
    [
      'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
      { type: 'string', format: 'int-or-string' },
    ],
  ],
]);

/** The definitions of Kubernetes' own scalars. */
export const scalarDefinitions = (): readonly (readonly [string, Json])[] => [...scalars.values()];

/** A reference to a definition. */
export const definitionRef = (name: string): Json => ({ $ref: `#/definitions/${name}` });

/** The definition of a built-in type. */
export function definitionOf(schema: Schema, description: Description): Json {
  const properties: Json = {};
  for (const [name, field] of schema.fields ?? []) {
    properties[name] = propertyOf(field, describedField(description, name));
  }
  return {
    ...(description.type === undefined ? {} : { description: description.type }),
    ...((schema.required?.length ?? 0) === 0 ? {} : { required: schema.required }),
    type: 'object',
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
  };
}

function propertyOf(field: Field, description: string | undefined): Json {
  return {
    ...(description === undefined ? {} : { description }),
    ...shapeOf(field.schema, dialect),
    ...patchExtensions(field),
  };
}

const dialect: Dialect = {
  scalars,
  reference: definitionRef,
  held: (shape) => shape,
  enums: false,
};

const objectMeta: Json = {
  description: "The object's name, labels and the like.",
  ...definitionRef(`${meta}.ObjectMeta`),
};

/**
 * The definition of a custom kind, from its CustomResourceDefinition's schema. A schema that keeps unknown fields at its
 * root says nothing but that it is an object: kubectl would take what is said for all there may be.
 */
export function customDefinition(schema: unknown): Json {
  const written = (schema ?? {}) as Json;
  if (written[preserve] === true || Object.keys(written).length === 0) return { type: 'object' };
  const shown = withoutV3(written);
  const properties = {
    ...(shown['properties'] as Json | undefined),
    ...typeMeta,
    metadata: objectMeta,
  };
  return { ...shown, properties };
}

/** The definition of a kind's list. */
export function listDefinition(kind: string, itemName: string): Json {
  return {
    description: `${kind}List is a list of ${kind}.`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta,
      items: { type: 'array', items: definitionRef(itemName) },
      metadata: definitionRef(`${meta}.ListMeta`),
    },
  };
}

const preserve = 'x-kubernetes-preserve-unknown-fields';
const embedded = 'x-kubernetes-embedded-resource';
/** What OpenAPI v2 does not have, and what is no part of a structural schema. */
const leftOut = new Set(['allOf', 'oneOf', 'anyOf', 'not', 'nullable', 'default', 'example', 'id']);

/**
 * apiextensions-apiserver's conversion: what may be null has no type, what keeps unknown fields has neither type nor
 * fields, for v2's readers take both for closed.
 */
function withoutV3(json: Json): Json {
  const out: Json = {};
  for (const [word, value] of Object.entries(json)) {
    if (!leftOut.has(word) && !word.startsWith('$')) out[word] = value;
  }
  const open = json[preserve] === true;
  if (json['nullable'] === true || open) {
    delete out['items'];
    delete out['properties'];
  }
  const untyped = (open && json['type'] === 'object') || json['nullable'] === true;
  if (untyped || (json['type'] === 'array' && out['items'] === undefined)) delete out['type'];
  if (out['items'] !== undefined) out['items'] = withoutV3(out['items'] as Json);
  if (typeof out['additionalProperties'] === 'object') {
    out['additionalProperties'] = withoutV3(out['additionalProperties'] as Json);
  }
  if (out['properties'] !== undefined) convertProperties(out);
  if (json[embedded] === true && !open) {
    out['properties'] = { ...(out['properties'] as Json), ...typeMeta, metadata: objectMeta };
  }
  return out;
}

function convertProperties(out: Json): void {
  const before = out['properties'] as Readonly<Record<string, Json>>;
  const optional = new Set<unknown>();
  const after: Json = {};
  for (const [name, property] of Object.entries(before)) {
    after[name] = withoutV3(property);
    if (property['nullable'] === true) optional.add(name);
  }
  out['properties'] = after;
  const required = out['required'];
  if (optional.size === 0 || !Array.isArray(required)) return;
  const kept = required.filter((name) => !optional.has(name));
  if (kept.length > 0) out['required'] = kept;
  else delete out['required'];
}
