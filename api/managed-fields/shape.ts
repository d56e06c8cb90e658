/** What a value is to server-side apply: one leaf, a map of fields, or a list of items that have names. */
import { isObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';

export type Shape = 'leaf' | 'map' | 'list';

/** Fields nobody describes: maps are looked into, all else is a leaf. */
const deduced: Schema = { type: 'any', preserveUnknown: true };

/** How values of the schema are owned. `value` decides where the schema leaves the type open. */
export function shapeOf(schema: Schema, value: unknown): Shape {
  switch (schema.type) {
    case 'object':
    case 'map':
      return schema.mapType === 'atomic' || schema.also !== undefined ? 'leaf' : 'map';
    case 'array':
      return schema.listType === 'map' || schema.listType === 'set' ? 'list' : 'leaf';
    case 'any':
      return schema.preserveUnknown === true && isObject(value) ? 'map' : 'leaf';
    default:
      return 'leaf';
  }
}

/** The schema of a field of a map-shaped value; undefined for a field the schema does not have. */
export function fieldSchema(schema: Schema, name: string): Schema | undefined {
  const declared = schema.fields?.get(name)?.schema;
  if (declared !== undefined) return declared;
  if (schema.type === 'map') return schema.items ?? deduced;
  return schema.preserveUnknown === true ? deduced : undefined;
}

/** Whether the field is one of a type's own, not a key of a map: such fields are owned through what they hold. */
export const isDeclared = (schema: Schema, name: string): boolean =>
  schema.fields?.has(name) === true;

/** The schema of a list's items. */
export const itemSchema = (schema: Schema): Schema => schema.items ?? deduced;

/**
 * Fields that are never absent in Kubernetes, where built-in types hold them by value or always write them: an object that is new, or gets
 * the first of their fields, does not make anybody the owner of the field itself.
 */
const heldByValue = new Set([
  'containers',
  'daemonEndpoints',
  'involvedObject',
  'jobTemplate',
  'loadBalancer',
  'metadata',
  'names',
  'nodeInfo',
  'source',
  'spec',
  'status',
  'strategy',
  'template',
  'updateStrategy',
]);

/** Whether an absent field counts as an empty one: `owner` is the type it is a field of. */
export function isHeldByValue(owner: Schema, name: string): boolean {
  return owner.name !== undefined && heldByValue.has(name);
}

/** Null, or without content: as good as absent, and owned as one leaf. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isObject(value)) return false;
  for (const _ in value) return false;
  return true;
}
