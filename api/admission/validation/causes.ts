/** Why a field is refused, in the reasons and words of apimachinery's `util/validation/field`. */
import type { StatusCause } from '#api/resources/status.ts';

/** Go's `%q` for strings, plain for numbers and booleans, JSON for the rest. */
function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

const detailed = (text: string, detail: string): string =>
  detail === '' ? text : `${text}: ${detail}`;

export function required(field: string, detail = ''): StatusCause {
  return { reason: 'FieldValueRequired', message: detailed('Required value', detail), field };
}

export function invalidValue(field: string, value: unknown, detail: string): StatusCause {
  const message = detailed(`Invalid value: ${shown(value)}`, detail);
  return { reason: 'FieldValueInvalid', message, field };
}

export function notSupported(
  field: string,
  value: unknown,
  supported: readonly string[],
): StatusCause {
  const detail = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${shown(value)}: supported values: ${detail}`;
  return { reason: 'FieldValueNotSupported', message, field };
}

export function duplicate(field: string, value: unknown): StatusCause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}`, field };
}

export function forbiddenField(field: string, detail: string): StatusCause {
  return { reason: 'FieldValueForbidden', message: detailed('Forbidden', detail), field };
}

export function notFoundValue(field: string, value: unknown): StatusCause {
  return { reason: 'FieldValueNotFound', message: `Not found: ${shown(value)}`, field };
}

export function tooLong(field: string, bytes: number): StatusCause {
  const message = `Too long: must have at most ${bytes} bytes`;
  return { reason: 'FieldValueTooLong', message, field };
}

/** One cause for each problem a check of `resources/names.ts` found. */
export function invalidBecause(
  field: string,
  value: string,
  problems: readonly string[],
): StatusCause[] {
  return problems.map((problem) => invalidValue(field, value, problem));
}

/** The name of a thing that must be there and well formed. */
export function checkName(
  field: string,
  value: unknown,
  problemsOf: (value: string) => string[],
): StatusCause[] {
  if (typeof value !== 'string' || value === '') return [required(field)];
  return invalidBecause(field, value, problemsOf(value));
}

/** A field that takes one of some words.. */
export function checkOneOf(
  field: string,
  value: unknown,
  supported: readonly string[],
): StatusCause[] {
  if (value === undefined || value === null || value === '') return [required(field)];
  return supported.includes(String(value)) ? [] : [notSupported(field, value, supported)];
}

/** A number that may not be negative; absent is fine. */
export function checkNotNegative(field: string, value: unknown): StatusCause[] {
  if (typeof value !== 'number' || value >= 0) return [];
  return [invalidValue(field, value, 'must be greater than or equal to 0')];
}

/** A TCP or UDP port. */
export function checkPort(field: string, value: unknown): StatusCause[] {
  if (typeof value === 'number' && value >= 1 && value <= 65535) return [];
  return [invalidValue(field, value, 'must be between 1 and 65535, inclusive')];
}

/** The field may not differ from what it was. */
export function checkImmutable(field: string, value: unknown, same: boolean): StatusCause[] {
  return same ? [] : [invalidValue(field, value, 'field is immutable')];
}
