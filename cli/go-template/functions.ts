/** The functions that templates call: Go's own, docker's and kubectl's. */
import { UsageError } from '../arguments.ts';
import { formatted } from './printf.ts';
import { isTrue, shown } from './values.ts';

type Function = (...args: readonly unknown[]) => unknown;

const failed = (what: string): UsageError => new UsageError(`--format: template: ${what}`);

function lengthOf(value: unknown): number {
  if (value instanceof Object) return Object.keys(value).length;
  if (typeof value === 'string') return Buffer.byteLength(value);
  throw failed(`error calling len: len of ${value === undefined ? 'nil' : shown(value)}`);
}

function at(value: unknown, key: unknown): unknown {
  if (!(value instanceof Object)) throw failed('error calling index: index of untyped nil');
  if (!Array.isArray(value)) {
    return Object.hasOwn(value, String(key)) ? (value as never)[String(key)] : undefined;
  }
  if (Number.isInteger(key) && (key as number) >= 0 && (key as number) < value.length) {
    return value[key as number];
  }
  throw failed(`error calling index: index out of range: ${shown(key)}`);
}

/** Go's `<` needs two of a kind. */
function ordered(a: unknown, b: unknown): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw failed(`incompatible types for comparison: ${shown(a)} and ${shown(b)}`);
  }
  return a === b ? 0 : (a as never) < (b as never) ? -1 : 1;
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw failed(`error calling slice: can't slice ${shown(value)}`);
  }
  const end = to === undefined ? value.length : Number(to);
  if (Number(from) > end || end > value.length) {
    throw failed(`error calling slice: index out of range: ${shown(to ?? from)}`);
  }
  return value.slice(Number(from), end);
}

/** `print` puts a space between two of which none is text. */
const print = (values: readonly unknown[]): string =>
  values
    .map((value, i) => {
      const apart = i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string';
      return `${apart ? ' ' : ''}${shown(value)}`;
    })
    .join('');

const pad = (text: unknown, before: unknown, after: unknown): string =>
  shown(text) === ''
    ? ''
    : `${' '.repeat(Number(before))}${shown(text)}${' '.repeat(Number(after))}`;

const entities: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

/** Without `and` and `or`, which do not look at all their arguments. */
export const functions: Readonly<Record<string, Function>> = {
  json: (value) => JSON.stringify(value ?? null),
  len: lengthOf,
  upper: (value) => shown(value).toUpperCase(),
  lower: (value) => shown(value).toLowerCase(),
  title: (value) => shown(value).replaceAll(/\b[a-z]/g, (first) => first.toUpperCase()),
  join: (list, by) => (Array.isArray(list) ? list.map(shown).join(String(by)) : shown(list)),
  split: (text, by) => shown(text).split(String(by)),
  pad,
  truncate: (text, length) => [...shown(text)].slice(0, Number(length)).join(''),
  index: (value, ...keys) => keys.reduce(at, value),
  slice,
  print: (...values) => print(values),
  println: (...values) => `${values.map(shown).join(' ')}\n`,
  printf: (format, ...values) => formatted(shown(format), values),
  not: (value) => !isTrue(value),
  eq: (a, ...others) => others.some((b) => a === b),
  ne: (a, b) => a !== b,
  lt: (a, b) => ordered(a, b) < 0,
  le: (a, b) => ordered(a, b) <= 0,
  gt: (a, b) => ordered(a, b) > 0,
  ge: (a, b) => ordered(a, b) >= 0,
  html: (value) => shown(value).replaceAll(/["'&<>]/g, (one) => entities[one] ?? one),
  urlquery: (value) => encodeURIComponent(shown(value)).replaceAll('%20', '+'),
  exists: (value, ...keys) =>
    keys.reduce((here, key) => (here as never)?.[key as never], value) !== undefined,
  base64decode: (value) => Buffer.from(shown(value), 'base64').toString('utf8'),
};
