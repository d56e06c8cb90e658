/**
 * OpenAPI definitions -> the compact table of one type: see `facts.ts` for the form and its reader.
 * `definitions` is swagger's, or the same without prose and with bare names in `$ref`.
 */
import { zeroMark } from './extract-plain.mjs';
import { messageName, wirePlace } from './extract-proto.mjs';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const scalarTypes = {
  [`${meta}Time`]: 'time',
  [`${meta}MicroTime`]: 'micro-time',
  [`${meta}FieldsV1`]: 'any',
  [`${meta}Patch`]: 'any',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'any',
};
/** Types that OpenAPI leaves without a shape because Go reads them by hand. */
const alternatives = {
  JSONSchemaPropsOrBool: ['JSONSchemaProps', 'boolean'],
  JSONSchemaPropsOrArray: ['JSONSchemaProps', '[]JSONSchemaProps'],
  JSONSchemaPropsOrStringArray: ['JSONSchemaProps', '[]string'],
};
const shortPrefixes = [
  [/^io\.k8s\.api\./, ''],
  [/^io\.k8s\.apimachinery\.pkg\.apis\.meta\./, 'meta.'],
  [/^io\.k8s\.apiextensions-apiserver\.pkg\.apis\./, ''],
  [/^io\.k8s\.kube-aggregator\.pkg\.apis\./, ''],
];

/** `io.k8s.api.core.v1.Pod` -> `core.v1.Pod`. */
export function shortName(name) {
  for (const [prefix, replacement] of shortPrefixes) {
    if (prefix.test(name)) return name.replace(prefix, replacement);
  }
  return name;
}

const refOf = (schema) => schema.$ref?.replace('#/definitions/', '');

/** The type of a property as one word: `string`, `[]string`, `{}quantity`, `core.v1.PodSpec`, `[]core.v1.Volume`. */
export function typeWord(schema) {
  const ref = refOf(schema);
  if (ref !== undefined) return scalarTypes[ref] ?? shortName(ref);
  switch (schema.type) {
    case 'array':
      return `[]${typeWord(schema.items)}`;
    case 'object':
      return schema.additionalProperties === undefined
        ? 'any'
        : `{}${typeWord(schema.additionalProperties)}`;
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'double';
    case 'boolean':
      return 'boolean';
    case 'string':
      return schema.format === 'byte' ? 'bytes' : schema.format === 'date-time' ? 'time' : 'string';
    default:
      return 'any';
  }
}

/** The names of the types that `name` leads to, itself included. */
export function closure(definitions, roots) {
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name) || scalarTypes[name] !== undefined) return;
    const definition = definitions[name];
    if (definition === undefined) throw new Error(`type ${name} is not in the OpenAPI document`);
    seen.add(name);
    for (const property of Object.values(definition.properties ?? {})) visitSchema(property);
  };
  const visitSchema = (schema) => {
    const ref = refOf(schema);
    if (ref !== undefined) visit(ref);
    if (schema.items !== undefined) visitSchema(schema.items);
    if (typeof schema.additionalProperties === 'object') visitSchema(schema.additionalProperties);
  };
  for (const root of roots) visit(root);
  return [...seen].sort();
}

/** The compact row of a type. */
export function compactType(definitions, messages, name) {
  const short = shortName(name);
  const local = short.slice(short.lastIndexOf('.') + 1);
  const home = short.slice(0, short.lastIndexOf('.') + 1);
  if (alternatives[local] !== undefined) return { alternatives: alternatives[local] };
  const definition = definitions[name];
  const properties = definition.properties ?? {};
  const jsonNames = new Set(Object.keys(properties));
  const fields = {};
  for (const [field, schema] of Object.entries(properties)) {
    const place = wirePlace(messages, messageName(name), field, jsonNames);
    fields[field] = compactField(schema, home, place, zeroMark(local, field, schema));
  }
  const row = { fields };
  if (definition.required?.length > 0) row.required = definition.required;
  const atomic = definition['x-kubernetes-map-type'];
  if (atomic !== undefined) row.mapType = atomic;
  return row;
}

function compactField(schema, home, place, zero) {
  const word = typeWord(schema).replace(/^((?:\[\]|\{\})*)(.*)$/, (_, wraps, type) =>
    type.startsWith(home) && !type.slice(home.length).includes('.')
      ? wraps + type.slice(home.length)
      : wraps + type,
  );
  const more = {};
  if (place?.via !== undefined) more.via = place.via;
  if (zero !== undefined) more.zero = zero;
  if (schema.default !== undefined && !isZero(schema.default)) more.default = schema.default;
  const enumeration = schema.enum ?? schema.items?.enum;
  if (enumeration !== undefined) more.enum = enumeration;
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== undefined) more.list = listType;
  const keys = schema['x-kubernetes-list-map-keys'];
  if (keys !== undefined) more.keys = keys;
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) more.mapType = mapType;
  const strategy = schema['x-kubernetes-patch-strategy'];
  if (strategy !== undefined) more.strategy = strategy;
  const mergeKey = schema['x-kubernetes-patch-merge-key'];
  if (mergeKey !== undefined) more.mergeKey = mergeKey;
  const number = place?.number ?? 0;
  if (Object.keys(more).length > 0) return [word, number, more];
  return number === 0 ? word : [word, number];
}

/** Generated documents give required Go values their zero as default: that is no default. */
function isZero(value) {
  if (value === 0 || value === false || value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
