/**
 * The fields of an object that is new: what `compare` says of it and nothing, in Kubernetes' order. Objects made from one
 * template have the same fields, so their sets are made once and shared: the walk over an object follows a path
 * of known steps, each a field with what is below it, at the end of which stands the finished set.
 */
import { isObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import { asMember, type FieldSet, leaf, type MutableFieldSet, sorted } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { fieldSchema, isBlank, isHeldByValue, itemSchema, shapeOf } from './shape.ts';

/** Where a walk is: the members so far, in the order of the object. */
interface Place {
  readonly element: string;
  readonly below: FieldSet;
  readonly before: Place | undefined;
  /** The finished set, and the one with its own path in it. */
  set: FieldSet | undefined;
  member: FieldSet | undefined;
  /** The step last taken from here: of objects from one template always the same. */
  lastName: unknown;
  lastBelow: FieldSet | undefined;
  last: Place | undefined;
  others: Map<unknown, Map<FieldSet, Place>> | undefined;
}

/** So many places are some megabytes. Objects that all differ make new ones each time: then all are forgotten. */
const placesMax = 8192;
let places = 0;
let starts = new WeakMap<Schema, Place>();

function newPlace(element: string, below: FieldSet, before: Place | undefined): Place {
  places += 1;
  return {
    element,
    below,
    before,
    set: undefined,
    member: undefined,
    lastName: undefined,
    lastBelow: undefined,
    last: undefined,
    others: undefined,
  };
}

function startOf(schema: Schema): Place {
  const known = starts.get(schema);
  if (known !== undefined) return known;
  const start = newPlace('', leaf, undefined);
  starts.set(schema, start);
  return start;
}

/** The place after this step, if somebody has been there. `name` stands for the element that it makes. */
function known(from: Place, name: unknown, below: FieldSet): Place | undefined {
  if (from.lastName === name && from.lastBelow === below) return from.last;
  const to = from.others?.get(name)?.get(below);
  if (to !== undefined) remember(from, name, below, to);
  return to;
}

function discovered(from: Place, name: unknown, below: FieldSet, element: string): Place {
  from.others ??= new Map();
  const named = from.others.get(name) ?? new Map();
  from.others.set(name, named);
  const to = newPlace(element, below, from);
  named.set(below, to);
  remember(from, name, below, to);
  return to;
}

function remember(from: Place, name: unknown, below: FieldSet, to: Place): void {
  from.lastName = name;
  from.lastBelow = below;
  from.last = to;
}

const toField = (from: Place, name: string, below: FieldSet): Place =>
  known(from, name, below) ?? discovered(from, name, below, fieldElement(name));

/** Items that share a key are owned together, as one leaf. */
function setAt(place: Place): FieldSet {
  if (place.set !== undefined) return place.set;
  const out: MutableFieldSet = {};
  for (let at = place; at.before !== undefined; at = at.before) {
    out[at.element] = Object.hasOwn(out, at.element) ? leaf : at.below;
  }
  place.set = sorted(out);
  return place.set;
}

function memberAt(place: Place): FieldSet {
  place.member ??= asMember(setAt(place));
  return place.member;
}

/**
 * The fields of `object` that `tracked` and, within its metadata, `trackedMeta` let pass; `undefined` for none. The
 * set is shared. Throws `Unkeyable` for an item of a list that has no name.
 */
export function createdFields(
  schema: Schema,
  object: object,
  tracked: (name: string) => boolean,
  trackedMeta: (name: string) => boolean,
): FieldSet | undefined {
  if (places > placesMax) {
    places = 0;
    starts = new WeakMap();
  }
  const start = startOf(schema);
  let at = start;
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined || !tracked(name)) continue;
    const below =
      name === 'metadata' ? ofMetadata(schema, value, trackedMeta) : ofField(schema, name, value);
    if (below !== undefined) at = toField(at, name, below);
  }
  return at === start ? undefined : setAt(at);
}

function ofMetadata(
  schema: Schema,
  value: unknown,
  tracked: (name: string) => boolean,
): FieldSet | undefined {
  const meta = schema.fields?.get('metadata')?.schema;
  if (meta === undefined || !isObject(value)) return undefined;
  const start = startOf(meta);
  const end = walkMap(meta, value, start, tracked);
  return end === start ? undefined : setAt(end);
}

/** What is owned of a field of a map; `undefined` for nothing. */
function ofField(owner: Schema, name: string, value: unknown): FieldSet | undefined {
  const schema = fieldSchema(owner, name);
  if (schema === undefined || value === null || value === undefined) return undefined;
  if (!isHeldByValue(owner, name)) return nodeOf(schema, value);
  if (isBlank(value)) return undefined;
  if (shapeOf(schema, value) === 'leaf') return leaf;
  const end = walk(schema, value);
  return end === startOf(schema) ? undefined : setAt(end);
}

/** Of a value that is there where nothing was. */
function nodeOf(schema: Schema, value: unknown): FieldSet {
  if (shapeOf(schema, value) === 'leaf' || isBlank(value)) return leaf;
  return memberAt(walk(schema, value));
}

function walk(schema: Schema, value: unknown): Place {
  const start = startOf(schema);
  if (schema.type === 'array') return walkList(schema, value as readonly unknown[], start);
  return isObject(value) ? walkMap(schema, value, start, everything) : start;
}

const everything = (): boolean => true;

function walkMap(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  start: Place,
  only: (name: string) => boolean,
): Place {
  let at = start;
  for (const name of Object.keys(value)) {
    const below = only(name) ? ofField(schema, name, value[name]) : undefined;
    if (below !== undefined) at = toField(at, name, below);
  }
  return at;
}

function walkList(schema: Schema, items: readonly unknown[], start: Place): Place {
  const of = itemSchema(schema);
  const keys = schema.listType === 'map' ? (schema.listMapKeys ?? []) : [];
  const key = keys.length === 1 ? keys[0] : undefined;
  let at = start;
  for (const item of items) {
    const below = nodeOf(of, item);
    const name = key === undefined ? itemElement(schema, item) : keyOf(item, key);
    at = known(at, name, below) ?? discovered(at, name, below, itemElement(schema, item));
  }
  return at;
}

/** The one key of an item stands for its element, which need not be written then; any other is like no other. */
function keyOf(item: unknown, key: string): unknown {
  const value = isObject(item) ? item[key] : undefined;
  return typeof value === 'string' ? value : Symbol('key');
}
