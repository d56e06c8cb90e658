/**
 * Whether a definition's schema is structural: every field has a type, nothing is left open by accident.
 * Source: apiextensions-apiserver pkg/apiserver/schema (validation.go, defaulting) and its validation package.
 */
import type { StatusCause } from '../resources/status.ts';
import { checkTypes } from './check-types.ts';
import { forbiddenField, invalidField, notSupported, required } from './definition-causes.ts';
import { checkFields } from './fields.ts';
import { compilePattern } from './pattern.ts';
import { type JsonSchema, structuralSchema } from './structural.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const unsupported = [
  '$ref',
  'definitions',
  'dependencies',
  'deprecated',
  'discriminator',
  'id',
  'patternProperties',
  'readOnly',
  'writeOnly',
  'xml',
];
/** What combinations may not say: they refine values, they do not describe fields. */
const outsideCombinations = [
  'type',
  'description',
  'default',
  'additionalProperties',
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
];

/** All reasons for which the schema at `path` cannot be served. */
export function checkStructural(path: string, root: JsonSchema): StatusCause[] {
  const causes: StatusCause[] = [];
  if (root.type === undefined || root.type === '') {
    causes.push(required(`${path}.type`, 'must not be empty at the root'));
  } else if (root.type !== 'object') {
    causes.push(invalidField(`${path}.type`, root.type, 'must be object at the root'));
  }
  if (root.nullable === true) {
    causes.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  }
  checkSchema(path, root, 'root', causes);
  return causes;
}

type Role = 'root' | 'field' | 'item';

function checkSchema(path: string, json: JsonSchema, role: Role, causes: StatusCause[]): void {
  checkType(path, json, role, causes);
  checkKeywords(path, json, causes);
  checkExtensions(path, json, causes);
  checkDefault(path, json, causes);
  for (const [name, property] of Object.entries(json.properties ?? {})) {
    checkSchema(`${path}.properties[${name}]`, property, 'field', causes);
  }
  const { additionalProperties, items } = json;
  if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    checkSchema(`${path}.additionalProperties`, additionalProperties, 'field', causes);
  }
  if (Array.isArray(items)) {
    causes.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'));
  } else if (items !== undefined) {
    checkSchema(`${path}.items`, items, 'item', causes);
  } else if (json.type === 'array') {
    causes.push(required(`${path}.items`, 'must be specified'));
  }
  for (const word of ['allOf', 'anyOf', 'oneOf', 'not']) {
    checkCombination(`${path}.${word}`, json[word], json, causes);
  }
}

function checkType(path: string, json: JsonSchema, role: Role, causes: StatusCause[]): void {
  const free =
    json['x-kubernetes-int-or-string'] === true ||
    json['x-kubernetes-preserve-unknown-fields'] === true;
  if (json.type === undefined || json.type === '') {
    if (role === 'root' || free) return;
    const where = role === 'item' ? 'array items' : 'object fields';
    causes.push(required(`${path}.type`, `must not be empty for specified ${where}`));
  } else if (!types.includes(json.type)) {
    causes.push(notSupported(`${path}.type`, json.type, types));
  } else if (json['x-kubernetes-int-or-string'] === true) {
    const why = 'must be empty if x-kubernetes-int-or-string is true';
    causes.push(invalidField(`${path}.type`, json.type, why));
  }
}

function checkKeywords(path: string, json: JsonSchema, causes: StatusCause[]): void {
  for (const word of unsupported) {
    if (json[word] === undefined || json[word] === false) continue;
    causes.push(forbiddenField(`${path}.${word}`, `${word} is not supported`));
  }
  if (json['uniqueItems'] === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    causes.push(forbiddenField(`${path}.uniqueItems`, why));
  }
  const { additionalProperties, properties } = json;
  if (additionalProperties === false) {
    const why = 'additionalProperties cannot be set to false';
    causes.push(forbiddenField(`${path}.additionalProperties`, why));
  } else if (additionalProperties !== undefined && properties !== undefined) {
    const why = 'additionalProperties and properties are mutual exclusive';
    causes.push(forbiddenField(`${path}.additionalProperties`, why));
  }
  checkPattern(path, json['pattern'], causes);
}

function checkPattern(path: string, pattern: unknown, causes: StatusCause[]): void {
  if (typeof pattern !== 'string' || pattern === '') return;
  try {
    compilePattern(pattern);
  } catch (error) {
    const why = `must be a valid regular expression, but isn't: ${(error as Error).message}`;
    causes.push(invalidField(`${path}.pattern`, pattern, why));
  }
}

function checkExtensions(path: string, json: JsonSchema, causes: StatusCause[]): void {
  const preserve = json['x-kubernetes-preserve-unknown-fields'];
  if (preserve === false) {
    const why = 'must be true or undefined';
    causes.push(invalidField(`${path}.x-kubernetes-preserve-unknown-fields`, false, why));
  }
  if (json['x-kubernetes-embedded-resource'] === true) {
    if (json.type !== 'object') {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      causes.push(invalidField(`${path}.type`, json.type ?? '', why));
    }
    if (preserve !== true && json.properties === undefined) {
      const why =
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      causes.push(required(`${path}.properties`, why));
    }
  }
  checkListType(path, json, causes);
  const mapType = json['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    const field = `${path}.x-kubernetes-map-type`;
    causes.push(notSupported(field, mapType, ['atomic', 'granular']));
  }
}

function checkListType(path: string, json: JsonSchema, causes: StatusCause[]): void {
  const field = `${path}.x-kubernetes-list-type`;
  const listType = json['x-kubernetes-list-type'];
  const keys = json['x-kubernetes-list-map-keys'] as string[] | undefined;
  const known = ['atomic', 'map', 'set'];
  if (listType !== undefined && !known.includes(listType as string)) {
    causes.push(notSupported(field, listType, known));
  }
  if (listType !== 'map') {
    if (keys === undefined || keys.length === 0) return;
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    causes.push(invalidField(field, listType ?? '', why));
    return;
  }
  if (keys === undefined || keys.length === 0) {
    const why = 'must not be empty if x-kubernetes-list-type is map';
    causes.push(required(`${path}.x-kubernetes-list-map-keys`, why));
  }
  for (const [index, key] of (keys ?? []).entries()) {
    const property = json.items?.properties?.[key];
    const place = `${path}.x-kubernetes-list-map-keys[${index}]`;
    if (property === undefined) {
      const why = 'entries must all be names of item properties';
      causes.push(invalidField(place, key, why));
    } else if (json.items?.required?.includes(key) !== true && property.default === undefined) {
      const why =
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      causes.push(required(`${path}.items.properties[${key}].default`, why));
    }
  }
}

/** A default must itself be a value that the schema keeps whole and accepts. */
function checkDefault(path: string, json: JsonSchema, causes: StatusCause[]): void {
  if (json.default === undefined) return;
  const schema = structuralSchema(json);
  if (checkFields(schema, json.default).length > 0) {
    const why = 'must be pruned: it has fields that the schema does not know';
    causes.push(invalidField(`${path}.default`, json.default, why));
  }
  for (const cause of checkTypes(schema, json.default)) {
    const inside = cause.field === '<nil>' ? '' : `.${cause.field}`;
    causes.push({ ...cause, field: `${path}.default${inside}` });
  }
}

function checkCombination(
  path: string,
  value: unknown,
  outer: JsonSchema,
  causes: StatusCause[],
): void {
  if (value === undefined || value === null) return;
  for (const [index, json] of (Array.isArray(value) ? value : [value]).entries()) {
    const place = Array.isArray(value) ? `${path}[${index}]` : path;
    checkRefinement(place, json as JsonSchema, outer, causes);
  }
}

function checkRefinement(
  path: string,
  json: JsonSchema,
  outer: JsonSchema,
  causes: StatusCause[],
): void {
  const intOrString = outer['x-kubernetes-int-or-string'] === true;
  for (const word of outsideCombinations) {
    if (json[word] === undefined || json[word] === '' || json[word] === false) continue;
    if (word === 'type' && intOrString) continue;
    causes.push(forbiddenField(`${path}.${word}`, 'must be empty to be structural'));
  }
  checkPattern(path, json['pattern'], causes);
  for (const [name, property] of Object.entries(json.properties ?? {})) {
    const described = outer.properties?.[name];
    if (described !== undefined) {
      checkRefinement(`${path}.properties[${name}]`, property, described, causes);
    } else if (outer['x-kubernetes-preserve-unknown-fields'] !== true) {
      const field = path.replace(/\.(?:allOf|anyOf|oneOf|not)(?:\[\d+\])?.*$/, '');
      const why = `because it is defined in ${path}.properties[${name}]`;
      causes.push(required(`${field}.properties[${name}]`, why));
    }
  }
}
