/** Takes a set of fields out of a value. */
import { isObject, setField } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import { childOf, type FieldSet, isEmpty, isMember } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { fieldSchema, isBlank, itemSchema, shapeOf } from './shape.ts';

/**
 * The value without the members of the set, whatever is below them; `undefined` if nothing is left. The value is not
 * changed, and what stays is shared. The path of the value itself does not count.
 */
export function removeFields(schema: Schema, value: unknown, fields: FieldSet): unknown {
  if (isEmpty(fields) || isBlank(value)) return value;
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isObject(value)) return ofMap(schema, value, fields);
  if (shape === 'list' && Array.isArray(value)) return ofList(schema, value, fields);
  return typeof value === 'object' ? undefined : value;
}

function ofMap(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  fields: FieldSet,
): unknown {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const inside = fieldSchema(schema, name);
    const below = childOf(fields, fieldElement(name));
    const rest =
      below === undefined || inside === undefined
        ? value[name]
        : isMember(below)
          ? undefined
          : removeFields(inside, value[name], below);
    if (rest !== undefined) setField(kept, name, rest);
  }
  return isBlank(kept) ? undefined : kept;
}

function ofList(schema: Schema, value: readonly unknown[], fields: FieldSet): unknown {
  const kept: unknown[] = [];
  for (const item of value) {
    const below = childOf(fields, itemElement(schema, item));
    if (below === undefined) kept.push(item);
    else if (!isMember(below)) kept.push(removeFields(itemSchema(schema), item, below) ?? {});
  }
  return kept.length === 0 ? undefined : kept;
}
