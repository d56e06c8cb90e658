/**
 * Reads the tables of facts in `facts/` and makes `Schema`s of them, each type on first use: a server that is
 * asked for Pods never reads the tables of `storage.k8s.io`.
 *
 * A table is one file for each group-version: type name -> `{fields, required, mapType}` or `{alternatives}`. A field is
 * `word`, `[word, number]` or `[word, number, more]`: the type as one word (`string`, `[]string`, `{}quantity`, `PodSpec` of
 * the same table, `meta.v1.ObjectMeta` of another), the protobuf field number (0: none), and what else there is.
 * `extract.mjs` writes them.
 */
import { readFileSync } from 'node:fs';
import type { Field, Schema } from './schema.ts';

interface More {
  readonly via?: number;
  readonly zero?: 'unset' | 'kept';
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly list?: 'atomic' | 'set' | 'map';
  readonly keys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly strategy?: string;
  readonly mergeKey?: string;
}

type FieldRow = string | readonly [string, number, More?];

interface TypeRow {
  readonly fields?: Readonly<Record<string, FieldRow>>;
  readonly required?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly alternatives?: readonly [string, string];
}

type Table = Readonly<Record<string, TypeRow>>;

const scalars = new Map<string, Schema>([
  ['string', { type: 'string' }],
  ['boolean', { type: 'boolean' }],
  ['int32', { type: 'integer', format: 'int32' }],
  ['int64', { type: 'integer', format: 'int64' }],
  ['double', { type: 'number', format: 'double' }],
  ['bytes', { type: 'bytes', format: 'byte' }],
  ['quantity', { type: 'quantity' }],
  ['int-or-string', { type: 'int-or-string' }],
  ['time', { type: 'time', format: 'date-time' }],
  ['micro-time', { type: 'micro-time', format: 'date-time' }],
  ['any', { type: 'any' }],
]);

const fullPrefixes = new Map([
  ['metrics.v1beta1', 'io.k8s.metrics.pkg.apis.metrics.v1beta1'],
  ['meta.v1', 'io.k8s.apimachinery.pkg.apis.meta.v1'],
  ['apiextensions.v1', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'],
  ['apiregistration.v1', 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1'],
]);

const tables = new Map<string, Table>();
const schemas = new Map<string, Schema>();

/** Parses `facts/<name>.json`. Used once a file; the caller keeps what it needs. */
export function readFacts(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./facts/${name}.json`, import.meta.url), 'utf8'));
}

/**
 * The schema of a built-in type by its short name: `core.v1.Pod`, `meta.v1.DeleteOptions`.
 * Always the same object for the same name; types may contain themselves. Throws if there is no such type.
 */
export function typeSchema(name: string): Schema {
  let schema = schemas.get(name);
  if (schema === undefined) {
    const dot = name.lastIndexOf('.');
    const home = name.slice(0, dot);
    const row = tableOf(home)[name.slice(dot + 1)];
    if (row === undefined) throw new Error(`no type ${name} in the tables of facts`);
    schema = row.alternatives === undefined ? named(name, home, row) : eitherOf(home, row);
    schemas.set(name, schema);
  }
  return schema;
}

/** `core.v1.Pod` -> `io.k8s.api.core.v1.Pod`, OpenAPI's name of the type. */
export function fullName(name: string): string {
  const dot = name.lastIndexOf('.');
  const home = name.slice(0, dot);
  return `${fullPrefixes.get(home) ?? `io.k8s.api.${home}`}.${name.slice(dot + 1)}`;
}

function tableOf(home: string): Table {
  let table = tables.get(home);
  if (table === undefined) {
    table = readFacts(home) as Table;
    tables.set(home, table);
  }
  return table;
}

/** A built-in type. Its fields are made when first looked at: a type that leads to itself needs no more care. */
class NamedSchema implements Schema {
  readonly type = 'object';
  readonly name: string;
  readonly required?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly also?: readonly Schema[];
  readonly #fields: () => ReadonlyMap<string, Field>;
  #made: ReadonlyMap<string, Field> | undefined;

  constructor(
    name: string,
    fields: () => ReadonlyMap<string, Field>,
    more: Pick<Schema, 'required' | 'mapType' | 'also'>,
  ) {
    this.name = name;
    this.#fields = fields;
    if (more.required !== undefined) this.required = more.required;
    if (more.mapType !== undefined) this.mapType = more.mapType;
    if (more.also !== undefined) this.also = more.also;
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#made ??= this.#fields();
    return this.#made;
  }
}

function named(name: string, home: string, row: TypeRow): Schema {
  const fields = (): ReadonlyMap<string, Field> =>
    new Map(
      Object.entries(row.fields ?? {}).map(([field, facts]) => [field, fieldOf(facts, home)]),
    );
  return new NamedSchema(fullName(name), fields, row);
}

/** A schema or a boolean, a schema or a list of them: the schema's own shape, with the other in `also`. */
function eitherOf(home: string, row: TypeRow): Schema {
  const [object, other] = row.alternatives ?? ['any', 'any'];
  return variantOf(wordSchema(object, home, {}), { also: [wordSchema(other, home, {})] });
}

function variantOf(schema: Schema, more: Pick<Schema, 'mapType' | 'also'>): Schema {
  const fields = (): ReadonlyMap<string, Field> => schema.fields ?? new Map();
  return new NamedSchema(schema.name ?? '', fields, { ...more, required: schema.required ?? [] });
}

function fieldOf(facts: FieldRow, home: string): Field {
  if (typeof facts === 'string')
    return { schema: wordSchema(facts, home, {}), ...unsetZero(facts) };
  const [word, number, more = {}] = facts;
  return {
    schema: wordSchema(word, home, more),
    ...(number === 0 ? {} : { protobuf: number }),
    ...(more.via === undefined ? {} : { protobufVia: more.via }),
    ...unsetZero(word, more.zero),
    ...(more.default === undefined ? {} : { default: more.default }),
    ...(more.strategy === undefined ? {} : { patchStrategy: more.strategy.split(',') }),
    ...(more.mergeKey === undefined ? {} : { patchMergeKey: more.mergeKey }),
  };
}

function unsetZero(word: string, zero?: 'unset' | 'kept'): { zeroIsUnset?: true } {
  return (word === 'string' && zero !== 'kept') || zero === 'unset' ? { zeroIsUnset: true } : {};
}

function wordSchema(word: string, home: string, more: More): Schema {
  if (word.startsWith('[]')) {
    return {
      type: 'array',
      items: wordSchema(word.slice(2), home, more.enum === undefined ? {} : { enum: more.enum }),
      ...(more.list === undefined ? {} : { listType: more.list }),
      ...(more.keys === undefined ? {} : { listMapKeys: more.keys }),
    };
  }
  if (word.startsWith('{}')) {
    const mapType = more.mapType === undefined ? {} : { mapType: more.mapType };
    return { type: 'map', items: wordSchema(word.slice(2), home, {}), ...mapType };
  }
  const scalar = scalars.get(word);
  if (scalar === undefined) {
    const type = typeSchema(word.includes('.') ? word : `${home}.${word}`);
    return more.mapType === undefined ? type : variantOf(type, { mapType: more.mapType });
  }
  return more.enum === undefined ? scalar : { ...scalar, enum: more.enum };
}
