/** Scalars on the protobuf wire, and the small messages that JSON writes as scalars. */
import { WireReader } from './protobuf-reader.ts';
import { timeText } from './scalars.ts';
import type { Schema } from './schema.ts';

/** The JSON form of the field under the reader; `undefined` where the message says "not set". */
export function readScalar(schema: Schema, reader: WireReader): unknown {
  switch (schema.type) {
    case 'string':
      return reader.string();
    case 'integer':
      return reader.integer();
    case 'boolean':
      return reader.integer() !== 0;
    case 'number':
      return reader.double();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'quantity':
      return readQuantity(reader.bytes());
    case 'int-or-string':
      return readIntOrString(reader.bytes());
    case 'time':
    case 'micro-time':
      return readTime(schema, reader.bytes());
    default:
      return readRaw(reader.bytes());
  }
}

/** Quantity { string = 1 } */
function readQuantity(bytes: Uint8Array): string {
  let text = '';
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) text = reader.string();
    else reader.skip();
  }
  return text === '' ? '0' : text;
}

/** IntOrString { type = 1 (0: int, 1: string), intVal = 2, strVal = 3 } */
function readIntOrString(bytes: Uint8Array): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) isString = reader.integer() === 1;
    else if (reader.field === 2) number = reader.integer();
    else if (reader.field === 3) text = reader.string();
    else reader.skip();
  }
  return isString ? text : number;
}

/** Time { seconds = 1, nanos = 2 }; Go's zero time is an empty message. */
function readTime(schema: Schema, bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  let seconds = 0;
  let nanos = 0;
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) seconds = reader.integer();
    else if (reader.field === 2) nanos = reader.integer();
    else reader.skip();
  }
  return timeText(seconds, schema.type === 'micro-time' ? Math.floor(nanos / 1000) : undefined);
}

/** RawExtension, FieldsV1, JSON: { raw = 1 }, JSON text. */
function readRaw(bytes: Uint8Array): unknown {
  let raw: Uint8Array = new Uint8Array();
  for (const reader = new WireReader(bytes); reader.next(); ) {
    if (reader.field === 1) raw = reader.bytes();
    else reader.skip();
  }
  if (raw.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(raw).toString('utf8'));
  } catch (error) {
    throw new RangeError(`a raw value is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
