/** Scalars of typed fields: checked as Go's decoder checks them, and written as Kubernetes writes them. */
import { canonicalQuantity, InvalidQuantity } from '../resources/quantity.ts';
import type { Schema } from './schema.ts';
import type { Walk } from './walk.ts';
import { WrongType, wrongType } from './wrong-type.ts';

const canonicalTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const canonicalMicroTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** Quantities that are already in canonical form: whole numbers without a factor of 1000 or 1024 in them. */
const plainQuantity = /^[1-9]\d{0,2}(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const maxInt32 = 2 ** 31;
const maxInt64 = 2 ** 63;

/**
 * The value in Kubernetes' own writing; `undefined` for null.
 * @throws WrongType
 */
export function canonicalScalar(schema: Schema, value: unknown, at: Walk): unknown {
  if (value === null) return undefined;
  switch (schema.type) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'integer':
      if (typeof value === 'number' && fits(value, schema)) return value;
      break;
    case 'number':
      if (typeof value === 'number') return value;
      break;
    case 'int-or-string':
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      break;
    case 'quantity':
      return quantity(value);
    case 'bytes':
      if (typeof value === 'string') return bytes(value);
      break;
    default:
      if (typeof value === 'string') return time(schema, value);
  }
  throw wrongType(schema, value, at);
}

function fits(value: number, schema: Schema): boolean {
  const limit = schema.format === 'int32' ? maxInt32 : maxInt64;
  return Number.isInteger(value) && value >= -limit && (value < limit || limit === maxInt64);
}

function quantity(value: unknown): string {
  if (typeof value === 'string' && plainQuantity.test(value)) return value;
  if (typeof value !== 'string' && typeof value !== 'number') return malformedQuantity();
  try {
    return canonicalQuantity(typeof value === 'string' ? value.trim() : value);
  } catch (error) {
    if (error instanceof InvalidQuantity) throw new WrongType(error.message, { cause: error });
    throw error;
  }
}

function malformedQuantity(): never {
  throw new WrongType(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}

function bytes(value: string): string {
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (text.length % 4 === 0 && base64.test(text)) return text;
  const wrong = text.search(/[^A-Za-z0-9+/]/);
  const index = wrong < 0 ? text.length - (text.length % 4) : wrong;
  throw new WrongType(`illegal base64 data at input byte ${index}`);
}

function time(schema: Schema, value: string): string | undefined {
  const micro = schema.type === 'micro-time';
  if (
    (micro ? canonicalMicroTime : canonicalTime).test(value) &&
    !Number.isNaN(Date.parse(value))
  ) {
    return value;
  }
  const match = rfc3339.exec(value);
  const ms = Date.parse(value);
  if (match === null || Number.isNaN(ms)) {
    throw new WrongType(`parsing time ${JSON.stringify(value)} as ${layout(micro)}: not RFC 3339`);
  }
  return timeText(Math.floor(ms / 1000), micro ? microseconds(match[1]) : undefined);
}

const layout = (micro: boolean): string =>
  micro ? '"2006-01-02T15:04:05.000000Z07:00"' : '"2006-01-02T15:04:05Z07:00"';

function microseconds(fraction: string | undefined): number {
  return Number((fraction ?? '').slice(0, 6).padEnd(6, '0'));
}

/** Seconds since 1970 as RFC 3339 in UTC; with microseconds, where the type has them. */
export function timeText(seconds: number, micros?: number): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micros === undefined ? `${whole}Z` : `${whole}.${String(micros).padStart(6, '0')}Z`;
}
