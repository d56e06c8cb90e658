/** What OpenAPI v2 and v3 say in the same words of a schema; where they differ each brings its dialect. */
import type { Field, Schema } from './schema.ts';

export type Json = Record<string, unknown>;

export const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Kubernetes' own scalars: definitions of their own, and explain prints their names. */
export type Scalars = ReadonlyMap<Schema['type'], readonly [name: string, definition: Json]>;

export interface Dialect {
  readonly scalars: Scalars;
  /** A reference to a named definition. */
  readonly reference: (name: string) => Json;
  /** How what a list or map holds is put, from its shape. */
  readonly held: (shape: Json) => Json;
  /** Whether a scalar's allowed values are said. */
  readonly enums: boolean;
}

/** A schema where it is used: named types by reference. */
export function shapeOf(schema: Schema, dialect: Dialect): Json {
  const { scalars, reference, held, enums } = dialect;
  const scalar = scalars.get(schema.type);
  if (scalar !== undefined) return reference(scalar[0]);
  if (schema.also !== undefined) return {};
  const items = () => held(shapeOf(schema.items ?? { type: 'any' }, dialect));
  switch (schema.type) {
    case 'object':
      return schema.name === undefined ? { type: 'object' } : reference(schema.name);
    case 'map':
      return {
        type: 'object',
        additionalProperties: items(),
        ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
      };
    case 'array':
      return {
        type: 'array',
        items: items(),
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
        ...(enums && schema.enum !== undefined ? { enum: schema.enum } : {}),
      };
  }
}

/** How a strategic merge patch treats the field. */
export function patchExtensions(field: Field): Json {
  const strategy = field.patchStrategy?.join(',');
  return {
    ...(field.patchMergeKey === undefined
      ? {}
      : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(strategy === undefined ? {} : { 'x-kubernetes-patch-strategy': strategy }),
  };
}

/** The two fields that every object of a custom kind has. */
export const typeMeta: Json = {
  apiVersion: {
    description: 'The group and version of the API that this object is written for.',
    type: 'string',
  },
  kind: { description: 'The kind of object that this is.', type: 'string' },
};
