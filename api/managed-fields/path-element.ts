/**
 * The steps of a field's path as `FieldsV1` writes them: `f:<field>`, `k:<keys of a list item as JSON>`, `v:<value of a
 * set as JSON>`, `i:<index>`; and `.`, which stands for the path so far. (sigs.k8s.io/structured-merge-diff, fieldpath)
 */
import { isObject, type JsonObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';

/** The path so far is itself in the set. */
export const self = '.';

/** An item of an associative list that cannot be told from its neighbours. */
export class Unkeyable extends Error {
  override readonly name = 'Unkeyable';
}

export const fieldElement = (name: string): string => `f:${name}`;

/** What an item of a list of type `set` or `map` is called. Throws `Unkeyable`. */
export function itemElement(list: Schema, item: unknown): string {
  return list.listType === 'map' ? keyElement(list, item) : valueElement(item);
}

function keyElement(list: Schema, item: unknown): string {
  if (item === null) {
    throw new Unkeyable('associative list with keys may not have a null element');
  }
  if (!isObject(item)) {
    throw new Unkeyable('associative list with keys may not have non-map elements');
  }
  const keys = list.listMapKeys ?? [];
  if (keys.length === 1) {
    const [key = ''] = keys;
    return `k:{${text(key)}:${text(keyValue(list, item, key))}}`;
  }
  const pairs = keys.toSorted().map((key) => `${text(key)}:${text(keyValue(list, item, key))}`);
  return `k:{${pairs.join(',')}}`;
}

/** A key left out has its default, as the server would fill it in. */
function keyValue(list: Schema, item: JsonObject, key: string): unknown {
  const value = Object.hasOwn(item, key) ? item[key] : undefined;
  if (value !== undefined) return value;
  const fallback = list.items?.fields?.get(key)?.default;
  if (fallback !== undefined) return fallback;
  throw new Unkeyable(
    `associative list with keys has an element that omits key field "${key}" (and doesn't have default value)`,
  );
}

function valueElement(item: unknown): string {
  if (item === null) {
    throw new Unkeyable("associative list without keys has an element that's an explicit null");
  }
  if (Array.isArray(item)) {
    throw new Unkeyable('not supported: associative list with lists as elements');
  }
  if (isObject(item)) {
    throw new Unkeyable("associative list without keys has an element that's a map type");
  }
  return `v:${text(item)}`;
}

const unsafeInGo = /[<>&\u2028\u2029]/g;

/** JSON as Go writes it: with `<`, `>` and `&` escaped. */
function text(value: unknown): string {
  const json = JSON.stringify(value);
  return unsafeInGo.test(json) ? json.replace(unsafeInGo, escaped) : json;
}

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const ranks: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4 };

/** The order in which Kubernetes writes the elements of one set. */
export function compareElements(a: string, b: string): number {
  if (a === b) return 0;
  const kind = a[0] ?? '';
  const order = (ranks[kind] ?? 5) - (ranks[b[0] ?? ''] ?? 5);
  if (order !== 0) return order;
  if (kind === 'f' || kind === '.') return a < b ? -1 : 1;
  const [left, right] = [oneTextKey.exec(a), oneTextKey.exec(b)];
  if (left !== null && right !== null && left[1] === right[1]) {
    return (left[2] ?? '') < (right[2] ?? '') ? -1 : 1;
  }
  return compareValues(parsed(a), parsed(b));
}

/** By far the most keys are of this form, and need no parsing. */
const oneTextKey = /^k:\{"([^"\\]+)":"([^"\\]*)"\}$/;

function parsed(element: string): unknown {
  try {
    return JSON.parse(element.slice(2));
  } catch {
    return element;
  }
}

/** Go's order of values of any type: numbers, strings, booleans, lists, maps, null. */
const typeRank = (value: unknown): number =>
  ['number', 'string', 'boolean', 'list', 'object', 'null'].indexOf(
    value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value,
  );

function compareValues(a: unknown, b: unknown): number {
  const order = typeRank(a) - typeRank(b);
  if (order !== 0) return order;
  if (typeof a === 'number') return a - (b as number);
  if (isObject(a)) return compareEntries(Object.entries(a), Object.entries(b as JsonObject));
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

type Entries = readonly (readonly [string, unknown])[];

function compareEntries(a: Entries, b: Entries): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    const order = compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The element as people read it in messages: `.replicas`, `[name="web"]`, `[="x"]`, `[0]`. */
export function elementText(element: string): string {
  const content = element.slice(2);
  if (element.startsWith('f:')) return `.${content}`;
  if (element.startsWith('i:')) return `[${content}]`;
  if (element.startsWith('v:')) return `[=${content}]`;
  const keys = parsed(element);
  if (!isObject(keys)) return `[${content}]`;
  const pairs = Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${pairs.join(',')}]`;
}

/** The element in the one form that this server compares; undefined for what no version of the format knows. */
export function canonicalElement(element: string): string | undefined {
  if (element.startsWith('f:')) return element;
  const value = parsed(element);
  if (value === element) return undefined;
  if (element.startsWith('v:')) return `v:${text(value)}`;
  if (element.startsWith('i:')) return Number.isInteger(value) ? element : undefined;
  if (!element.startsWith('k:') || !isObject(value)) return undefined;
  const pairs = Object.keys(value)
    .toSorted()
    .map((key) => `${text(key)}:${text(value[key])}`);
  return `k:{${pairs.join(',')}}`;
}
