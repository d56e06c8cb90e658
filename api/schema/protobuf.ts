/**
 * Kubernetes' protobuf bodies, read by the field numbers in the schema.
 *
 *     6b 38 73 00 | Unknown { typeMeta = 1 { apiVersion = 1, kind = 2 }, raw = 2: the object's own message }
 *
 * Source: k8s.io/apimachinery/pkg/runtime/generated.proto. Nothing is validated beyond the wire form.
 */
import { WireReader } from './protobuf-reader.ts';
import { readScalar } from './protobuf-scalars.ts';
import type { Field, Schema } from './schema.ts';
import { zeroOf } from './walk.ts';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The envelope's content. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

type Message = Record<string, unknown>;

/** What a field number of a message leads to: a field, or a message whose fields JSON has here. */
interface WireField {
  readonly name: string;
  readonly field: Field;
}
interface WireTable {
  readonly fields: ReadonlyMap<number, WireField>;
  readonly inlined: ReadonlyMap<number, ReadonlyMap<number, WireField>>;
}

const tables = new WeakMap<ReadonlyMap<string, Field>, WireTable>();

/**
 * The envelope of a body. Throws a RangeError if the body is not Kubernetes' protobuf.
 */
export function readEnvelope(body: Buffer): Envelope {
  if (!body.subarray(0, 4).equals(magic)) {
    throw new RangeError(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  for (const reader = new WireReader(body.subarray(4)); reader.next(); ) {
    if (reader.field === 1) {
      for (const meta = new WireReader(reader.bytes()); meta.next(); ) {
        if (meta.field === 1) apiVersion = meta.string();
        else if (meta.field === 2) kind = meta.string();
        else meta.skip();
      }
    } else if (reader.field === 2) {
      raw = reader.bytes();
    } else {
      reader.skip();
    }
  }
  return { apiVersion, kind, raw };
}

/** A message of the type `schema`, as JSON would have it. Throws a RangeError if it is cut short or malformed. */
export function readMessage(schema: Schema, bytes: Uint8Array): Message {
  const message: Message = {};
  const table = tableOf(schema.fields ?? new Map());
  readInto(message, table.fields, table.inlined, new WireReader(bytes));
  return message;
}

function tableOf(fields: ReadonlyMap<string, Field>): WireTable {
  let table = tables.get(fields);
  if (table === undefined) {
    table = makeTable(fields);
    tables.set(fields, table);
  }
  return table;
}

function makeTable(fields: ReadonlyMap<string, Field>): WireTable {
  const direct = new Map<number, WireField>();
  const inlined = new Map<number, Map<number, WireField>>();
  for (const [name, field] of fields) {
    if (field.protobuf === undefined) continue;
    let target = direct;
    if (field.protobufVia !== undefined) {
      target = inlined.get(field.protobufVia) ?? new Map();
      inlined.set(field.protobufVia, target);
    }
    target.set(field.protobuf, { name, field });
  }
  return { fields: direct, inlined };
}

function readInto(
  message: Message,
  fields: ReadonlyMap<number, WireField>,
  inlined: WireTable['inlined'],
  reader: WireReader,
): void {
  while (reader.next()) {
    const wire = fields.get(reader.field);
    if (wire !== undefined) {
      readField(message, wire, reader);
      continue;
    }
    const inner = inlined.get(reader.field);
    if (inner === undefined) reader.skip();
    else readInto(message, inner, new Map(), new WireReader(reader.bytes()));
  }
}

function readField(message: Message, { name, field }: WireField, reader: WireReader): void {
  const { schema } = field;
  if (schema.type === 'map') {
    message[name] ??= {};
    readEntry(message[name] as Message, schema.items ?? { type: 'any' }, reader.bytes());
  } else if (schema.type === 'array') {
    message[name] ??= [];
    (message[name] as unknown[]).push(readValue(schema.items ?? { type: 'any' }, reader));
  } else {
    const value = readValue(schema, reader);
    const unset = value === undefined || (field.zeroIsUnset === true && isZero(value));
    if (!unset) message[name] = value;
  }
}

const isZero = (value: unknown): boolean => value === 0 || value === '' || value === false;

function readEntry(map: Message, items: Schema, bytes: Uint8Array): void {
  let key = '';
  let value: unknown;
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = readValue(items, reader);
    else reader.skip();
  }
  Object.defineProperty(map, key, {
    value: value ?? zeroOf(items),
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

function readValue(schema: Schema, reader: WireReader): unknown {
  if (schema.also !== undefined) return readEither(schema, reader.bytes());
  if (schema.type === 'object') return readMessage(schema, reader.bytes());
  if (schema.type === 'array') return readItems(schema, reader.bytes());
  return readScalar(schema, reader);
}

/** A list as a map's value (`ExtraValue`) is a message with the items in field 1. */
function readItems(schema: Schema, bytes: Uint8Array): unknown[] {
  const items: unknown[] = [];
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) items.push(readValue(schema.items ?? { type: 'any' }, reader));
    else reader.skip();
  }
  return items;
}

/**
 * JSONSchemaPropsOrBool { allows = 1, schema = 2 }; JSONSchemaPropsOrArray { schema = 1, jSONSchemas = 2 };
 * JSONSchemaPropsOrStringArray { schema = 1, property = 2 }.
 */
function readEither(schema: Schema, bytes: Uint8Array): unknown {
  const other = schema.also?.[0] ?? { type: 'any' };
  const otherNumber = other.type === 'boolean' ? 1 : 2;
  let object: unknown;
  let allows: unknown;
  const list: unknown[] = [];
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field !== otherNumber) object = readMessage(schema, reader.bytes());
    else if (other.type === 'boolean') allows = readValue(other, reader);
    else list.push(readValue(other.items ?? { type: 'any' }, reader));
  }
  return object ?? allows ?? list;
}
