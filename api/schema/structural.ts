/** A definition's structural schema (OpenAPI v3 with `x-kubernetes-*`) -> Schema. */
import { typeSchema } from './facts.ts';
import type { Field, Schema } from './schema.ts';

/** A schema as a CustomResourceDefinition writes it. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly [keyword: string]: unknown;
}

/** Keywords that only validation reads, kept as written. */
const constraintWords = [
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'multipleOf',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'x-kubernetes-validations',
];

const any: Schema = { type: 'any' };

/** The schema of a custom kind: the definition's own, with `apiVersion`, `kind` and `metadata` as every object has them. */
export function rootSchema(root: JsonSchema): Schema {
  const schema = structuralSchema({ ...root, type: 'object' });
  return { ...schema, fields: objectFields(schema.fields) };
}

/** Any schema below the root. */
export function structuralSchema(json: JsonSchema): Schema {
  const shape = shapeOf(json);
  const constraints = constraintsOf(json);
  return {
    ...shape,
    ...(json.nullable === true ? { nullable: true } : {}),
    ...(json.enum === undefined ? {} : { enum: json.enum }),
    ...(json.format === undefined ? {} : { format: json.format }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(json['x-kubernetes-preserve-unknown-fields'] === true ? { preserveUnknown: true } : {}),
  };
}

function shapeOf(json: JsonSchema): Schema {
  if (json['x-kubernetes-int-or-string'] === true) return { type: 'int-or-string' };
  switch (json.type) {
    case 'object':
      return objectShape(json);
    case 'array':
      return arrayShape(json);
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: json.type };
    default:
      return json['x-kubernetes-embedded-resource'] === true ? objectShape(json) : any;
  }
}

function objectShape(json: JsonSchema): Schema {
  const mapType = json['x-kubernetes-map-type'] as 'atomic' | 'granular' | undefined;
  const more = mapType === undefined ? {} : { mapType };
  const { additionalProperties } = json;
  if (additionalProperties !== undefined && additionalProperties !== false) {
    const items = additionalProperties === true ? any : structuralSchema(additionalProperties);
    return { type: 'map', items, ...more };
  }
  const embedded = json['x-kubernetes-embedded-resource'] === true;
  const fields = new Map(
    Object.entries(json.properties ?? {}).map(([name, property]) => [name, fieldOf(property)]),
  );
  return {
    type: 'object',
    fields: embedded ? objectFields(fields) : fields,
    ...(json.required === undefined ? {} : { required: json.required }),
    ...(embedded ? { embedded } : {}),
    ...more,
  };
}

function fieldOf(json: JsonSchema): Field {
  const schema = structuralSchema(json);
  return json.default === undefined ? { schema } : { schema, default: json.default };
}

function arrayShape(json: JsonSchema): Schema {
  const listType = json['x-kubernetes-list-type'] as 'atomic' | 'set' | 'map' | undefined;
  const keys = json['x-kubernetes-list-map-keys'] as string[] | undefined;
  return {
    type: 'array',
    items: json.items === undefined ? any : structuralSchema(json.items),
    ...(listType === undefined ? {} : { listType }),
    ...(keys === undefined ? {} : { listMapKeys: keys }),
  };
}

/** Every whole object has these, whatever its definition says of them. */
function objectFields(fields: Schema['fields']): ReadonlyMap<string, Field> {
  const string: Schema = { type: 'string' };
  return new Map<string, Field>([
    ...(fields ?? []),
    ['apiVersion', { schema: string }],
    ['kind', { schema: string }],
    ['metadata', { schema: typeSchema('meta.v1.ObjectMeta') }],
  ]);
}

function constraintsOf(json: JsonSchema): Schema['constraints'] {
  const kept = constraintWords.filter((word) => json[word] !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept.map((word) => [word, json[word]]));
}
