/** JSON as kubectl, a Go program, writes it. */
import { isObject } from '#api/resources/json.ts';

const byCodePoint = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Go writes maps with their keys in order: by bytes of UTF-8, which is the order of code points. */
export const keysInOrder = (object: object): string[] => Object.keys(object).sort(byCodePoint);

/** `encoding/json` writes these so that JSON can stand in HTML. */
const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

const scalar = (value: unknown): string =>
  JSON.stringify(value ?? null).replaceAll(/[<>&\u2028\u2029]/g, (char) => escapes[char] ?? char);

/** Written by hand: an object of JavaScript has the keys `1` and `2` before all others. */
function written(value: unknown, space: string, indent: string): string {
  const isList = Array.isArray(value);
  if (!isList && !isObject(value)) return scalar(value);
  const below = `${indent}${space}`;
  const colon = space === '' ? ':' : ': ';
  const members = isList
    ? value.map((item) => written(item, space, below))
    : keysInOrder(value)
        .filter((key) => value[key] !== undefined)
        .map((key) => `${scalar(key)}${colon}${written(value[key], space, below)}`);
  const [open, close] = isList ? '[]' : '{}';
  if (members.length === 0) return `${open}${close}`;
  if (space === '') return `${open}${members.join(',')}${close}`;
  return `${open}\n${members.map((one) => below + one).join(',\n')}\n${indent}${close}`;
}

/** JSON with the keys in order; `space`: how far each level stands in. */
export const toJson = (value: unknown, space = 4): string => written(value, ' '.repeat(space), '');
