/** Go's `printf` as far as templates need it. Pure. */
import { shown } from './values.ts';

const verbs =
  /%(?<flags>[-+# 0]*)(?<width>\d*)(?:\.(?<precision>\d*))?(?<verb>[a-zA-Z%])|%(?<rest>.?)/gs;

type Verb = (value: unknown, precision: number | undefined) => string | undefined;

const number = (value: unknown, show: (value: number) => string): string | undefined =>
  typeof value === 'number' ? show(value) : undefined;

const cut = (text: string, precision: number | undefined): string =>
  precision === undefined ? text : [...text].slice(0, precision).join('');

const hex = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? Buffer.from(value).toString('hex')
    : number(value, (it) => it.toString(16));

const byVerb: Readonly<Record<string, Verb>> = {
  v: (value) => shown(value),
  s: (value, precision) => (typeof value === 'number' ? undefined : cut(shown(value), precision)),
  q: (value) => JSON.stringify(shown(value)),
  d: (value) => (Number.isInteger(value) ? String(value) : undefined),
  t: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  f: (value, precision = 6) => number(value, (it) => it.toFixed(precision)),
  x: hex,
  X: (value) => hex(value)?.toUpperCase(),
  o: (value) => number(value, (it) => it.toString(8)),
  b: (value) => number(value, (it) => it.toString(2)),
  c: (value) => number(value, (it) => String.fromCodePoint(it)),
};

function padded(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

const typeOf = (value: unknown): string =>
  typeof value === 'number' ? (Number.isInteger(value) ? 'int' : 'float64') : typeof value;

/** What does not fit is shown as Go does it: `%!d(string=a)`. */
export function formatted(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replaceAll(verbs, (...all) => {
    const { flags = '', width = '', precision, verb, rest } = all.at(-1);
    if (verb === '%') return '%';
    if (verb === undefined) return `%!${rest === '' ? '(NOVERB)' : rest}`;
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const value = values[next++];
    const digits = precision === undefined ? undefined : Number(precision);
    const told = Object.hasOwn(byVerb, verb) ? byVerb[verb]?.(value, digits) : undefined;
    if (told === undefined) return `%!${verb}(${typeOf(value)}=${shown(value)})`;
    const plus = flags.includes('+') && typeof value === 'number' && value >= 0 ? '+' : '';
    return padded(plus + told, flags, Number(width));
  });
  const extra = values.slice(next).map((value) => `${typeOf(value)}=${shown(value)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}
