/** Work on already decoded values: unknown fields, pruning, defaults written in the schema. Types are in `check-types.ts`. */
import { cloneJson } from '#api/resources/json.ts';
import type { Field, Schema } from './schema.ts';
import { pathText, type Step } from './walk.ts';

export { checkTypes } from './check-types.ts';

/** A field that the schema does not know. `path` as Kubernetes writes it: `spec.containers[0].foo`. */
export interface FieldProblem {
  readonly path: string;
  /** `unknown field "spec.containers[0].foo"` */
  readonly message: string;
}

type Fields = Record<string, unknown>;
type Visit = (owner: Fields, key: string, path: readonly Step[]) => void;

/** All unknown fields, in the value's order. Changes nothing. Values of a wrong type are passed over. */
export function checkFields(schema: Schema, value: unknown): FieldProblem[] {
  const problems: FieldProblem[] = [];
  visitUnknown(schema, value, [], (_owner, key, path) => {
    const text = pathText(path, key);
    problems.push({ path: text, message: `unknown field "${text}"` });
  });
  return problems;
}

/** Removes unknown fields in place and gives the value back. */
export function prune<T>(schema: Schema, value: T): T {
  visitUnknown(schema, value, [], (owner, key) => {
    delete owner[key];
  });
  return value;
}

/**
 * Fills in, in place, the defaults written in the schema (a definition's `default`, the facts' for built-in types),
 * outermost first, so that a default object gets its own fields' defaults. A null in a field that may not be null
 * counts as missing. Gives the value back.
 */
export function applySchemaDefaults<T>(schema: Schema, value: T): T {
  if (hasDefaults(schema)) fillIn(schema, value);
  return value;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function visitUnknown(schema: Schema, value: unknown, path: Step[], visit: Visit): void {
  if (Array.isArray(value)) {
    const list =
      schema.type === 'array' ? schema : schema.also?.find(({ type }) => type === 'array');
    if (list?.items === undefined) return;
    for (const [index, item] of value.entries()) inside(list.items, item, path, index, visit);
  } else if (isFields(value) && schema.type === 'map' && schema.items !== undefined) {
    for (const key of Object.keys(value)) inside(schema.items, value[key], path, key, visit);
  } else if (isFields(value) && schema.type === 'object') {
    for (const key of Object.keys(value)) {
      const field = schema.fields?.get(key);
      if (field !== undefined) inside(field.schema, value[key], path, key, visit);
      else if (schema.preserveUnknown !== true) visit(value, key, path);
    }
  }
}

function inside(schema: Schema, value: unknown, path: Step[], step: Step, visit: Visit): void {
  if (typeof value !== 'object' || value === null) return;
  path.push(step);
  visitUnknown(schema, value, path, visit);
  path.pop();
}

const defaulting = new WeakMap<Schema, boolean>();
const toFill = new WeakMap<Schema, readonly (readonly [name: string, field: Field])[]>();

/** Whether there is any default at or below the schema: most types have none, and need no walk. */
function hasDefaults(schema: Schema): boolean {
  const known = defaulting.get(schema);
  if (known !== undefined) return known;
  // A type met again while it is being looked at adds nothing to the answer.
  defaulting.set(schema, false);
  const fields = [...(schema.fields?.values() ?? [])];
  const found =
    fields.some((field) => field.default !== undefined || hasDefaults(field.schema)) ||
    (schema.items !== undefined && hasDefaults(schema.items));
  defaulting.set(schema, found);
  return found;
}

/** The fields that have a default at or below them. */
function fieldsToFill(schema: Schema): readonly (readonly [name: string, field: Field])[] {
  const known = toFill.get(schema);
  if (known !== undefined) return known;
  const fields = [...(schema.fields ?? [])].filter(
    ([, field]) => field.default !== undefined || hasDefaults(field.schema),
  );
  toFill.set(schema, fields);
  return fields;
}

function fillIn(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.type !== 'array' || schema.items === undefined || !hasDefaults(schema.items)) return;
    for (const item of value) fillIn(schema.items, item);
  } else if (isFields(value) && schema.type === 'map') {
    if (schema.items === undefined || !hasDefaults(schema.items)) return;
    for (const item of Object.values(value)) fillIn(schema.items, item);
  } else if (isFields(value)) {
    for (const [name, field] of fieldsToFill(schema)) fillField(value, name, field);
  }
}

function fillField(owner: Fields, name: string, field: Field): void {
  if (field.default !== undefined) {
    const present = Object.hasOwn(owner, name) ? owner[name] : undefined;
    const missing = present === undefined || (present === null && field.schema.nullable !== true);
    if (missing) owner[name] = cloneJson(field.default);
  }
  if (hasDefaults(field.schema) && Object.hasOwn(owner, name)) fillIn(field.schema, owner[name]);
}
