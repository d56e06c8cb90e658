/** The fields that a configuration names: what its applier owns. */
import { isObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import { itemsByElement } from './compare.ts';
import { asMember, type FieldSet, isEmpty, leaf, type MutableFieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { fieldSchema, isDeclared, itemSchema, shapeOf } from './shape.ts';

/**
 * The set of all fields in the value. Leaves, keys of maps and items of lists are members; a field of a type is one
 * only if it is null or an empty map. Fields unknown to the schema are passed over. Throws `Unkeyable`.
 */
export function fieldSetOf(schema: Schema, value: unknown): FieldSet {
  const shape = shapeOf(schema, value);
  if (shape === 'map') return isObject(value) ? ofMap(schema, value) : leaf;
  if (shape === 'list') return Array.isArray(value) ? ofList(schema, value) : leaf;
  return leaf;
}

/** Of a value's own node: `undefined` if neither it nor anything below it is in the set. */
function nodeOf(schema: Schema, value: unknown, declared: boolean): FieldSet | undefined {
  const below = fieldSetOf(schema, value);
  if (value === null) return leaf;
  const isLeaf = shapeOf(schema, value) === 'leaf';
  if (isLeaf || !declared) return isLeaf ? leaf : asMember(below);
  if (!isEmpty(below)) return below;
  return isObject(value) && Object.keys(value).length === 0 ? leaf : undefined;
}

function ofMap(schema: Schema, value: Readonly<Record<string, unknown>>): FieldSet {
  const out: MutableFieldSet = {};
  for (const name of Object.keys(value)) {
    const inside = fieldSchema(schema, name);
    if (inside === undefined) continue;
    const node = nodeOf(inside, value[name], isDeclared(schema, name));
    if (node !== undefined) out[fieldElement(name)] = node;
  }
  return out;
}

function ofList(schema: Schema, value: readonly unknown[]): FieldSet {
  const out: MutableFieldSet = {};
  for (const [element, items] of itemsByElement(schema, value)) {
    const [item] = items;
    out[element] = items.length > 1 ? leaf : asMember(fieldSetOf(itemSchema(schema), item));
  }
  return out;
}

/**
 * The set with every field of a type that holds a member made a member too: pruning removes what is owned, and the
 * fields that nothing is left in.
 */
export function withNamedFields(schema: Schema, set: FieldSet): FieldSet {
  const out: MutableFieldSet = {};
  for (const element of Object.keys(set)) {
    const below = set[element] as FieldSet;
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const inside = name === undefined ? schema.items : fieldSchema(schema, name);
    const node = inside === undefined || isEmpty(below) ? below : withNamedFields(inside, below);
    const named = name !== undefined && isDeclared(schema, name) && !isEmpty(node);
    out[element] = named ? asMember(node) : node;
  }
  return out;
}
