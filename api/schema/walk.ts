/**
 * One pass over a decoded body, led by its schema: drops and reports unknown fields, checks JSON types as Go's decoder
 * does, writes scalars in their canonical form, and counts keys. Values are changed in place: the caller owns them.
 */
import { canonicalScalar } from './scalars.ts';
import type { Schema } from './schema.ts';
import { wrongType } from './wrong-type.ts';

/** Where the walk is: field names, `\0` + map keys, indices. */
export type Step = string | number;

/** What a walk found. One is made for each body. */
export interface Walk {
  readonly unknown: string[];
  /** Keys of all objects seen, unknown ones included: fewer than the text had means that it had duplicates. */
  keys: number;
  readonly path: Step[];
  /** The innermost named type: '' in custom kinds, whose types are checked after defaults, not here. */
  owner: string;
  /** Above 0: unknown fields are dropped without a word. */
  quiet: number;
}

type Fields = Record<string, unknown>;

export function newWalk(): Walk {
  return { unknown: [], keys: 0, path: [], owner: '', quiet: 0 };
}

/** `['spec', 'containers', 0, 'name']` -> `spec.containers[0].name`. */
export function pathText(path: readonly Step[], last?: Step): string {
  let text = '';
  for (const step of last === undefined ? path : [...path, last]) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += `${text === '' ? '' : '.'}${step.charCodeAt(0) === 0 ? step.slice(1) : step}`;
  }
  return text;
}

/**
 * The value as it is to be kept; `undefined`: as if it had not been written (null in a typed field).
 * @throws WrongType where a typed field has another JSON type
 */
export function walk(schema: Schema, value: unknown, at: Walk): unknown {
  switch (schema.type) {
    case 'object':
      return walkObject(schema, value, at);
    case 'map':
      return walkMap(schema, value, at);
    case 'array':
      return walkArray(schema, value, at);
    case 'any':
      countKeys(value, at);
      return value === null && at.owner !== '' ? undefined : value;
    default:
      return at.owner === '' ? looseScalar(value, at) : canonicalScalar(schema, value, at);
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function walkObject(schema: Schema, value: unknown, at: Walk): unknown {
  if (!isFields(value)) {
    if (schema.also !== undefined) return walkOther(schema, value, at);
    if (at.owner === '' && schema.name === undefined) return looseScalar(value, at);
    if (value === null) return undefined;
    throw wrongType(schema, value, at);
  }
  const owner = at.owner;
  if (schema.name !== undefined) at.owner = schema.name;
  if (schema.also !== undefined) at.quiet += 1;
  walkFields(schema, value, at);
  if (schema.also !== undefined) at.quiet -= 1;
  at.owner = owner;
  return value;
}

function walkFields(schema: Schema, value: Fields, at: Walk): void {
  const { fields } = schema;
  for (const key in value) {
    at.keys += 1;
    const field = fields?.get(key);
    const before = value[key];
    if (field === undefined) {
      unknownField(schema, value, key, at);
    } else if (typeof before === 'string' && field.schema.type === 'string') {
      // The most common case by far needs nothing.
    } else {
      at.path.push(key);
      const after = walk(field.schema, before, at);
      at.path.pop();
      if (after === undefined) delete value[key];
      else if (after !== before) value[key] = after;
    }
  }
}

function unknownField(schema: Schema, value: Fields, key: string, at: Walk): void {
  countKeys(value[key], at);
  if (schema.preserveUnknown === true) return;
  if (at.quiet === 0) at.unknown.push(pathText(at.path, key));
  delete value[key];
}

function walkOther(schema: Schema, value: unknown, at: Walk): unknown {
  if (value === null) return undefined;
  const other = schema.also?.find(
    ({ type }) =>
      Array.isArray(value) === (type === 'array') && (type === 'array' || type === typeof value),
  );
  if (other === undefined) throw wrongType(schema, value, at);
  at.quiet += 1;
  const after = walk(other, value, at);
  at.quiet -= 1;
  return after;
}

function walkMap(schema: Schema, value: unknown, at: Walk): unknown {
  if (!isFields(value)) return notContainer(schema, value, at);
  const items = schema.items ?? { type: 'any' };
  for (const key in value) {
    at.keys += 1;
    const before = value[key];
    if (typeof before === 'string' && items.type === 'string') continue;
    at.path.push(`\0${key}`);
    const after = walk(items, before, at);
    at.path.pop();
    if (after === undefined) value[key] = zeroOf(items);
    else if (after !== before) value[key] = after;
  }
  return value;
}

function walkArray(schema: Schema, value: unknown, at: Walk): unknown {
  if (!Array.isArray(value)) return notContainer(schema, value, at);
  const items = schema.items ?? { type: 'any' };
  for (let index = 0; index < value.length; index += 1) {
    const before: unknown = value[index];
    if (typeof before === 'string' && items.type === 'string') continue;
    at.path.push(index);
    const after = walk(items, before, at);
    at.path.pop();
    if (after === undefined) value[index] = zeroOf(items);
    else if (after !== before) value[index] = after;
  }
  return value;
}

function notContainer(schema: Schema, value: unknown, at: Walk): unknown {
  if (at.owner === '') return looseScalar(value, at);
  if (value === null) return undefined;
  throw wrongType(schema, value, at);
}

function looseScalar(value: unknown, at: Walk): unknown {
  if (typeof value === 'object') countKeys(value, at);
  return value;
}

/** Go's zero value of an element: what null inside a list or map decodes to. */
export function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
    case 'map':
      return {};
    case 'array':
      return [];
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    case 'any':
      return null;
    default:
      return '';
  }
}

function countKeys(value: unknown, at: Walk): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) countKeys(item, at);
    return;
  }
  for (const key in value) {
    at.keys += 1;
    countKeys((value as Fields)[key], at);
  }
}
