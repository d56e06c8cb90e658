/**
 * Objects -> Kubernetes' protobuf, by the field numbers in the schema: the inverse of `protobuf.ts`. A field that the
 * JSON does not have is not written, whatever Go does: no reader can tell the difference.
 */
import { WireWriter } from './protobuf-writer.ts';
import type { Field, Schema } from './schema.ts';

/** `k8s\0`, then Unknown { typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4 }. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

type Json = Readonly<Record<string, unknown>>;

/** What a message's JSON fields are on the wire. */
interface Plan {
  readonly direct: ReadonlyMap<string, Field>;
  /** Fields that are in a message of their own on the wire, by that message's number. */
  readonly inlined: ReadonlyMap<number, ReadonlyMap<string, Field>>;
}

const plans = new WeakMap<ReadonlyMap<string, Field>, Plan>();
const nothing: ReadonlyMap<string, Field> = new Map();
/** Shared: encoding is one step, nobody else writes meanwhile. */
const shared = new WireWriter(64 * 1024);

/** The message of `value` alone, without an envelope. */
export function encodeMessage(schema: Schema, value: Json): Buffer {
  writeFields(schema, value, shared);
  return shared.take();
}

/** The envelope around a message: what stands before the message's bytes, and what after. */
export function envelopeAround(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  messageBytes: number,
): { readonly head: Buffer; readonly tail: Buffer } {
  shared.string(2, kind);
  shared.string(1, apiVersion);
  shared.close(1, 0);
  const typeMeta = shared.take();
  return {
    head: Buffer.concat([magic, typeMeta, chunkHead(2, messageBytes)]),
    tail: Buffer.from([0x1a, 0, 0x22, 0]),
  };
}

/** A whole body: the envelope with the message of an object in it. */
export function encodeObject(schema: Schema, object: Json): Buffer {
  const message = encodeMessage(schema, object);
  const { apiVersion, kind } = object as { apiVersion: string; kind: string };
  const { head, tail } = envelopeAround({ apiVersion, kind }, message.length);
  return Buffer.concat([head, message, tail]);
}

/** Tag and length of a field that holds so many bytes. */
export function chunkHead(field: number, bytes: number): Buffer {
  const head: number[] = [field * 8 + 2];
  let rest = bytes;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) | 0x80);
  head.push(rest);
  return Buffer.from(head);
}

function planOf(schema: Schema): Plan {
  const fields = schema.fields ?? nothing;
  let plan = plans.get(fields);
  if (plan === undefined) {
    plan = makePlan(fields);
    plans.set(fields, plan);
  }
  return plan;
}

function makePlan(fields: ReadonlyMap<string, Field>): Plan {
  const direct = new Map<string, Field>();
  const inlined = new Map<number, Map<string, Field>>();
  for (const [name, field] of fields) {
    if (field.protobuf === undefined) continue;
    if (field.protobufVia === undefined) {
      direct.set(name, field);
      continue;
    }
    const group = inlined.get(field.protobufVia) ?? new Map<string, Field>();
    inlined.set(field.protobufVia, group.set(name, field));
  }
  return { direct, inlined };
}

function writeFields(schema: Schema, value: Json, out: WireWriter): void {
  const { direct, inlined } = planOf(schema);
  for (const [number, fields] of inlined) {
    const before = out.length;
    writeKnown(fields, value, out);
    if (out.length > before) out.close(number, before);
  }
  writeKnown(direct, value, out);
}

function writeKnown(fields: ReadonlyMap<string, Field>, value: Json, out: WireWriter): void {
  for (const name in value) {
    const field = fields.get(name);
    if (field?.protobuf !== undefined) writeField(field.protobuf, field.schema, value[name], out);
  }
}

function writeField(number: number, schema: Schema, value: unknown, out: WireWriter): void {
  if (value === null || value === undefined) return;
  if (schema.type === 'array' && Array.isArray(value)) {
    const items = schema.items ?? { type: 'any' };
    for (let index = value.length - 1; index >= 0; index -= 1) {
      writeValue(number, items, value[index], out);
    }
  } else if (schema.type === 'map') {
    writeMap(number, schema.items ?? { type: 'any' }, value as Json, out);
  } else {
    writeValue(number, schema, value, out);
  }
}

function writeMap(number: number, items: Schema, map: Json, out: WireWriter): void {
  for (const key in map) {
    const before = out.length;
    const value = map[key];
    if (value !== null) writeValue(2, items, value, out);
    out.string(1, key);
    out.close(number, before);
  }
}

/** One value as the field `number`; null is an empty message or the zero. */
function writeValue(number: number, schema: Schema, value: unknown, out: WireWriter): void {
  switch (schema.type) {
    case 'string':
      out.string(number, String(value ?? ''));
      return;
    case 'integer':
    case 'boolean':
      out.integer(number, Number(value ?? 0));
      return;
    case 'number':
      out.double(number, Number(value ?? 0));
      return;
    case 'bytes':
      out.bytes(number, Buffer.from(String(value ?? ''), 'base64'));
      return;
    default: {
      const before = out.length;
      writeContent(schema, value, out);
      out.close(number, before);
    }
  }
}

/** What is inside the message that stands for the value. */
function writeContent(schema: Schema, value: unknown, out: WireWriter): void {
  if (schema.also !== undefined) {
    writeEither(schema, schema.also[0] ?? { type: 'any' }, value, out);
    return;
  }
  switch (schema.type) {
    case 'object':
      writeFields(schema, (value ?? {}) as Json, out);
      return;
    // A list as a map's value (`ExtraValue`).
    case 'array':
      writeField(1, schema, value, out);
      return;
    case 'quantity':
      out.string(1, String(value ?? '0'));
      return;
    case 'int-or-string':
      out.string(3, typeof value === 'string' ? value : '');
      out.integer(2, typeof value === 'number' ? value : 0);
      out.integer(1, typeof value === 'string' ? 1 : 0);
      return;
    case 'time':
    case 'micro-time':
      writeTime(value, out);
      return;
    default:
      // RawExtension, FieldsV1, JSON: { raw = 1 }.
      if (value !== undefined) out.string(1, JSON.stringify(value));
  }
}

/** Time { seconds = 1, nanos = 2 }; an empty message is Go's zero time. */
function writeTime(value: unknown, out: WireWriter): void {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) return;
  const fraction = /\.(\d{1,9})/.exec(String(value))?.[1] ?? '';
  out.integer(2, Number(fraction.padEnd(9, '0')));
  out.integer(1, Math.floor(ms / 1000));
}

/**
 * JSONSchemaPropsOrBool { allows = 1, schema = 2 }; JSONSchemaPropsOrArray { schema = 1, jSONSchemas = 2 };
 * JSONSchemaPropsOrStringArray { schema = 1, property = 2 }.
 */
function writeEither(schema: Schema, other: Schema, value: unknown, out: WireWriter): void {
  const orBoolean = other.type === 'boolean';
  if (typeof value === 'boolean') {
    out.integer(1, Number(value));
  } else if (Array.isArray(value)) {
    writeField(2, other, value, out);
  } else {
    const before = out.length;
    writeFields(schema, (value ?? {}) as Json, out);
    out.close(orBoolean ? 2 : 1, before);
    if (orBoolean) out.integer(1, 1);
  }
}
