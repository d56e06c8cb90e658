/**
 * What a definition's schema says beyond types: bounds, patterns, formats, combinations. Wordings are kube-openapi's
 * (pkg/validation/errors) and apiextensions' (pkg/apiserver/validation).
 */
import { formatProblem } from './formats.ts';
import { compilePattern } from './pattern.ts';
import type { Schema } from './schema.ts';
import { type JsonSchema, structuralSchema } from './structural.ts';

/** One complaint; `text` gets the field's path, for most sentences name it again. `value` is shown before it. */
export interface Complaint {
  readonly reason: string;
  readonly text: (field: string) => string;
  readonly value?: unknown;
}

/** JSON's type of a value, with numbers told apart as Kubernetes does. */
export function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** `Invalid value: "string": spec.x in body must be of type integer: "string"`. */
export function typeInvalid(wanted: string, actual: string): Complaint {
  return {
    reason: 'FieldValueTypeInvalid',
    value: actual,
    text: (field) => `${inBody(field)} must be of type ${wanted}: ${JSON.stringify(actual)}`,
  };
}

/** `Invalid value: 0: …`; objects are shown as JSON. */
export function invalidValue(value: unknown, text: string): string {
  return `Invalid value: ${JSON.stringify(value)}: ${text}`;
}

const inBody = (field: string): string => (field === '' ? 'in body' : `${field} in body`);

const should = (value: unknown, sentence: string): Complaint => ({
  reason: 'FieldValueInvalid',
  value,
  text: (field) => `${inBody(field)} ${sentence}`,
});

/** All that is wrong with a value whose type is right. */
export function checkConstraints(schema: Schema, value: unknown, atRoot = false): Complaint[] {
  const limits = (schema.constraints ?? {}) as JsonSchema;
  const found: Complaint[] = [];
  if (typeof value === 'number') found.push(...numberComplaints(limits, value));
  if (typeof value === 'string') found.push(...stringComplaints(schema, limits, value));
  if (Array.isArray(value))
    found.push(...sizeComplaints(limits, 'Items', 'items', value.length, value));
  else if (typeof value === 'object' && value !== null) {
    const size = Object.keys(value).length;
    found.push(...sizeComplaints(limits, 'Properties', 'properties', size, value));
  }
  found.push(...combinationComplaints(limits, value, atRoot));
  return found;
}

function numberComplaints(limits: JsonSchema, value: number): Complaint[] {
  const found: Complaint[] = [];
  const { minimum, maximum, multipleOf } = limits as Record<string, number | undefined>;
  if (minimum !== undefined) {
    if (limits['exclusiveMinimum'] === true && value <= minimum) {
      found.push(should(value, `should be greater than ${minimum}`));
    } else if (value < minimum) {
      found.push(should(value, `should be greater than or equal to ${minimum}`));
    }
  }
  if (maximum !== undefined) {
    if (limits['exclusiveMaximum'] === true && value >= maximum) {
      found.push(should(value, `should be less than ${maximum}`));
    } else if (value > maximum) {
      found.push(should(value, `should be less than or equal to ${maximum}`));
    }
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    found.push(should(value, `should be a multiple of ${multipleOf}`));
  }
  return found;
}

function stringComplaints(schema: Schema, limits: JsonSchema, value: string): Complaint[] {
  const found: Complaint[] = [];
  const { minLength, maxLength } = limits as Record<string, number | undefined>;
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    const text = `Too long: may not be more than ${maxLength} bytes`;
    found.push({ reason: 'FieldValueTooLong', text: () => text });
  }
  if (minLength !== undefined && length < minLength) {
    found.push(should(value, `should be at least ${minLength} chars long`));
  }
  const pattern = limits['pattern'];
  if (typeof pattern === 'string' && !expression(pattern).test(value)) {
    found.push(should(value, `should match '${pattern}'`));
  }
  if (
    schema.format !== undefined &&
    schema.type === 'string' &&
    formatProblem(schema.format, value)
  ) {
    const text = `must be of type ${schema.format}: ${JSON.stringify(value)}`;
    found.push({ ...should(value, text), reason: 'FieldValueTypeInvalid' });
  }
  return found;
}

function sizeComplaints(
  limits: JsonSchema,
  word: 'Items' | 'Properties',
  noun: string,
  size: number,
  value: unknown,
): Complaint[] {
  const min = limits[`min${word}`] as number | undefined;
  const max = limits[`max${word}`] as number | undefined;
  const found: Complaint[] = [];
  if (min !== undefined && size < min) {
    found.push(should(size, `should have at least ${min} ${noun}`));
  }
  if (max !== undefined && size > max) {
    const text = `Too many: ${size}: must have at most ${max} items`;
    found.push({ reason: 'FieldValueTooMany', text: () => text });
  }
  if (limits['uniqueItems'] === true && Array.isArray(value)) {
    const distinct = new Set(value.map((item) => JSON.stringify(item))).size;
    if (distinct < size) found.push(should(value, "shouldn't contain duplicates"));
  }
  return found;
}

function combinationComplaints(limits: JsonSchema, value: unknown, atRoot: boolean): Complaint[] {
  const { allOf, anyOf, oneOf, not } = limits as Record<string, unknown>;
  const found: Complaint[] = [];
  const schemas = (list: unknown): JsonSchema[] =>
    Array.isArray(list) ? (list as JsonSchema[]) : [];
  const shown = atRoot ? '' : value;
  if (Array.isArray(allOf) && !schemas(allOf).every((each) => accepts(each, value))) {
    found.push(should(shown, 'must validate all the schemas (allOf)'));
  }
  if (Array.isArray(anyOf) && !schemas(anyOf).some((each) => accepts(each, value))) {
    found.push(should(shown, 'must validate at least one schema (anyOf)'));
  }
  if (Array.isArray(oneOf)) {
    const valid = schemas(oneOf).filter((each) => accepts(each, value)).length;
    const count = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
    const text = `must validate one and only one schema (oneOf). ${count}`;
    if (valid !== 1) found.push(should(shown, text));
  }
  if (not !== undefined && accepts(not as JsonSchema, value)) {
    found.push(should(shown, 'must not validate the schema (not)'));
  }
  return found;
}

/** Whether a value fits a schema inside a combination, which has no types of its own to convert by. */
function accepts(json: JsonSchema, value: unknown): boolean {
  if (json.type !== undefined) {
    const actual = jsonType(value);
    if (actual !== json.type && !(json.type === 'number' && actual === 'integer')) return false;
  }
  if (json.enum !== undefined) {
    const text = JSON.stringify(value);
    if (!json.enum.some((item) => JSON.stringify(item) === text)) return false;
  }
  if (typeof value === 'object' && value !== null && !acceptsInside(json, value)) return false;
  const schema = structuralSchema(typeof value === 'string' ? { ...json, type: 'string' } : json);
  return checkConstraints(schema, value).length === 0;
}

function acceptsInside(json: JsonSchema, value: object): boolean {
  if (Array.isArray(value)) {
    const { items } = json;
    return items === undefined || value.every((item) => accepts(items, item));
  }
  const fields = value as Record<string, unknown>;
  if (json.required?.some((name) => fields[name] === undefined) === true) return false;
  return Object.entries(json.properties ?? {}).every(
    ([name, property]) => fields[name] === undefined || accepts(property, fields[name]),
  );
}

const expressions = new Map<string, RegExp>();

/** Compiled once; an expression is asked again and again. */
function expression(pattern: string): RegExp {
  let compiled = expressions.get(pattern);
  if (compiled === undefined) {
    compiled = compilePattern(pattern);
    if (expressions.size >= 1000) expressions.clear();
    expressions.set(pattern, compiled);
  }
  return compiled;
}
