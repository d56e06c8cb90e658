/** Whether an applied configuration can be merged by its schema. */
import { isObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import { elementText, fieldElement, itemElement, Unkeyable } from './path-element.ts';
import { fieldSchema, itemSchema, shapeOf } from './shape.ts';

/** All that is wrong, as Kubernetes words it: `.spec.foo: field not declared in schema`. */
export function configurationProblems(schema: Schema, value: unknown, path = ''): string[] {
  if (value === null) return [];
  const shape = shapeOf(schema, value);
  if (shape === 'map') {
    return isObject(value)
      ? mapProblems(schema, value, path)
      : [`${path}: expected map, got ${human(value)}`];
  }
  if (shape !== 'list') return [];
  return Array.isArray(value)
    ? listProblems(schema, value, path)
    : [`${path}: expected list, got ${human(value)}`];
}

function mapProblems(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  path: string,
): string[] {
  return Object.keys(value).flatMap((name) => {
    const at = `${path}${elementText(fieldElement(name))}`;
    const inside = fieldSchema(schema, name);
    return inside === undefined
      ? [`${at}: field not declared in schema`]
      : configurationProblems(inside, value[name], at);
  });
}

function listProblems(schema: Schema, items: readonly unknown[], path: string): string[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    try {
      const element = itemElement(schema, item);
      const key = elementText(element);
      if (seen.has(element)) return [`${path}: duplicate entries for key ${key}`];
      seen.add(element);
      return configurationProblems(itemSchema(schema), item, `${path}${key}`);
    } catch (error) {
      if (error instanceof Unkeyable) return [`${path}: element ${index}: ${error.message}`];
      throw error;
    }
  });
}

const human = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
};
