/**
 * Validation of a value against its schema: types, required fields, enumerations, and what definitions constrain, each
 * with the reason and the words of Kubernetes' (apiextensions-apiserver, kube-openapi).
 */
import type { StatusCause } from '../resources/status.ts';
import {
  type Complaint,
  checkConstraints,
  invalidValue,
  jsonType,
  typeInvalid,
} from './constraints.ts';
import type { Schema } from './schema.ts';
import { pathText, type Step } from './walk.ts';

type Fields = Record<string, unknown>;

/** Beyond this many there is no help in more. */
const maxCauses = 100;

/**
 * The causes of a 422, in the value's order; none if it fits. `value` has had its defaults. In built-in types an
 * empty string counts as "not set" and nothing is required below `status`, which components write piecemeal.
 */
export function checkTypes(schema: Schema, value: unknown): StatusCause[] {
  const check: Check = { causes: [], path: [], builtIn: schema.name !== undefined };
  visit(schema, value, check);
  return check.causes.slice(0, maxCauses);
}

interface Check {
  readonly causes: StatusCause[];
  readonly path: Step[];
  builtIn: boolean;
}

const scalarTypes: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  integer: ['integer'],
  number: ['integer', 'number'],
  boolean: ['boolean'],
  bytes: ['string'],
  quantity: ['string', 'integer', 'number'],
  'int-or-string': ['integer', 'string'],
  time: ['string'],
  'micro-time': ['string'],
};

function visit(schema: Schema, value: unknown, check: Check): void {
  if (schema.type === 'any') {
    constrain(schema, value, check);
    return;
  }
  if (value === null && (schema.nullable === true || schema.also !== undefined)) return;
  const actual = jsonType(value);
  if (!fitsType(schema, actual)) {
    if (!fitsOther(schema, actual)) complain(check, typeInvalid(expected(schema), actual));
    return;
  }
  const outer = check.builtIn;
  if (schema.name !== undefined) check.builtIn = true;
  if (schema.type === 'object') visitObject(schema, value as Fields, check);
  else if (schema.type === 'map') visitMap(schema, value as Fields, check);
  else if (schema.type === 'array') visitArray(schema, value as unknown[], check);
  constrain(schema, value, check);
  check.builtIn = outer;
}

function fitsType(schema: Schema, actual: string): boolean {
  if (schema.type === 'object' || schema.type === 'map') return actual === 'object';
  if (schema.type === 'array') return actual === 'array';
  return scalarTypes[schema.type]?.includes(actual) === true;
}

function fitsOther(schema: Schema, actual: string): boolean {
  return schema.also?.some((other) => fitsType(other, actual)) === true;
}

function expected(schema: Schema): string {
  switch (schema.type) {
    case 'map':
      return 'object';
    case 'int-or-string':
      return 'integer,string';
    case 'bytes':
    case 'time':
    case 'micro-time':
    case 'quantity':
      return 'string';
    default:
      return schema.type;
  }
}

function visitObject(schema: Schema, value: Fields, check: Check): void {
  const inStatus = check.builtIn && check.path[0] === 'status';
  for (const name of schema.required ?? []) {
    if (inStatus || (value[name] !== undefined && Object.hasOwn(value, name))) continue;
    check.path.push(name);
    complain(check, { reason: 'FieldValueRequired', text: () => 'Required value' });
    check.path.pop();
  }
  for (const name in value) {
    const field = schema.fields?.get(name);
    const item = value[name];
    if (field === undefined || item === undefined || isPlain(field.schema, item)) continue;
    check.path.push(name);
    visit(field.schema, item, check);
    check.path.pop();
  }
}

/** A string where any string will do: most values are, and need no closer look. */
function isPlain(schema: Schema, value: unknown): boolean {
  return (
    typeof value === 'string' &&
    schema.type === 'string' &&
    schema.enum === undefined &&
    schema.format === undefined &&
    schema.constraints === undefined
  );
}

function visitMap(schema: Schema, value: Fields, check: Check): void {
  if (schema.items === undefined || schema.items.type === 'any') return;
  for (const key in value) {
    if (isPlain(schema.items, value[key])) continue;
    check.path.push(`\0${key}`);
    visit(schema.items, value[key], check);
    check.path.pop();
  }
}

function visitArray(schema: Schema, value: unknown[], check: Check): void {
  if (schema.items !== undefined) {
    for (let index = 0; index < value.length; index += 1) {
      if (isPlain(schema.items, value[index])) continue;
      check.path.push(index);
      visit(schema.items, value[index], check);
      check.path.pop();
    }
  }
  if (!check.builtIn) checkUnique(schema, value, check);
}

/** `x-kubernetes-list-type: set | map`: no item, or no set of keys, twice. */
function checkUnique(schema: Schema, value: unknown[], check: Check): void {
  const keys = schema.listMapKeys ?? [];
  if (schema.listType !== 'set' && schema.listType !== 'map') return;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const shown =
      schema.listType === 'set'
        ? item
        : Object.fromEntries(keys.map((key) => [key, keyOf(item, key)]));
    const text = JSON.stringify(shown);
    if (seen.has(text)) {
      check.path.push(index);
      complain(check, { reason: 'FieldValueDuplicate', text: () => `Duplicate value: ${text}` });
      check.path.pop();
    }
    seen.add(text);
  }
}

const keyOf = (item: unknown, key: string): unknown =>
  typeof item === 'object' && item !== null ? (item as Fields)[key] : undefined;

function constrain(schema: Schema, value: unknown, check: Check): void {
  if (schema.enum !== undefined && !(check.builtIn && value === ''))
    checkEnum(schema.enum, value, check);
  if (schema.constraints === undefined && schema.format === undefined) return;
  if (check.builtIn) return;
  for (const complaint of checkConstraints(schema, value, check.path.length === 0)) {
    complain(check, complaint);
  }
}

function checkEnum(allowed: readonly unknown[], value: unknown, check: Check): void {
  const text = JSON.stringify(value);
  const texts = allowed.map((item) => JSON.stringify(item));
  if (texts.includes(text)) return;
  complain(check, {
    reason: 'FieldValueNotSupported',
    text: () => `Unsupported value: ${text}: supported values: ${texts.join(', ')}`,
  });
}

function complain(check: Check, { reason, text, value }: Complaint): void {
  const field = fieldText(check.path);
  const body = text(field);
  check.causes.push({
    reason,
    message: value === undefined ? body : invalidValue(value, body),
    field: field === '' ? '<nil>' : field,
  });
}

/** Keys of maps stand in dots like fields do: `spec.labels.app`. */
const fieldText = (path: readonly Step[]): string => pathText(path);
