/** Why a field is refused, in the reasons and words of apimachinery's `util/validation/field`. */
import { objectOr } from '#api/resources/json.ts';
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

/** All of them; nearly always there is none, and nothing to copy. A new list. */
export function together(...lists: readonly (readonly StatusCause[])[]): StatusCause[] {
  const all: StatusCause[] = [];
  for (const list of lists) if (list.length > 0) all.push(...list);
  return all;
}

/** What `check` finds in each. As `flatMap`, at a fraction of its cost. */
export function inEach<T>(
  items: readonly T[],
  check: (item: T, index: number) => readonly StatusCause[],
): StatusCause[] {
  const all: StatusCause[] = [];
  for (let index = 0; index < items.length; index++) {
    const found = check(items[index] as T, index);
    if (found.length > 0) all.push(...found);
  }
  return all;
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

/** A map of strings as Go prints it, which is how Kubernetes shows labels in its messages. */
export function goMap(map: unknown): string {
  const entries = Object.entries(objectOr(map)).sort(([a], [b]) => Number(a > b) - Number(a < b));
  const fields = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `map[string]string{${fields.join(', ')}}`;
}

/** `Invalid value: <text>: <detail>` with the value already written out. */
export function invalidShown(field: string, text: string, detail: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${text}: ${detail}`, field };
}

/** A whole number or a percentage (`25%`). */
export function checkCountOrShare(field: string, value: unknown): StatusCause[] {
  if (typeof value === 'number') return checkNotNegative(field, value);
  if (value === undefined || (typeof value === 'string' && /^\d+%$/.test(value))) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' " +
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [invalidValue(field, value, detail)];
}

/** Each name once: a cause for every later one, at the path `pathOf` gives for its index. */
export function checkUnique(
  values: readonly unknown[],
  pathOf: (index: number) => string,
): StatusCause[] {
  const seen = new Set<unknown>();
  return inEach(values, (value, i) => {
    if (value === undefined || value === '') return [];
    if (seen.has(value)) return [duplicate(pathOf(i), value)];
    seen.add(value);
    return [];
  });
}
