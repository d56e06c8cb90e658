/** Which fields differ between two states of an object, as the sets that ownership is reckoned with. */
import { equalJson, isObject, type JsonObject } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import {
  asMember,
  difference,
  type FieldSet,
  leaf,
  type MutableFieldSet,
  union,
} from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { fieldSchema, isBlank, isHeldByValue, itemSchema, shapeOf } from './shape.ts';

/** What became of the fields; `undefined` for none. Elements are in no particular order. */
export interface Changes {
  /** Fields that were added or have another value. */
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

const added: Changes = { changed: leaf, removed: undefined };
const gone: Changes = { changed: undefined, removed: leaf };

/**
 * The changes from `before` to `after`, both of which may be `undefined` (absent); `undefined` if there are none. The
 * value's own path is a member where it appeared or disappeared, or differs as a whole.
 * Throws `Unkeyable` for an item of a list that has no name.
 */
export function compare(schema: Schema, before: unknown, after: unknown): Changes | undefined {
  if (before === after) return undefined;
  const shape = shapeOf(schema, after === undefined ? before : after);
  const before_ = shapeOf(schema, before === undefined ? after : before);
  if (shape !== before_) return replaced(schema, before, after);
  if (shape === 'leaf' || (isBlank(before) && isBlank(after))) return compareLeaf(before, after);
  const inside =
    shape === 'map'
      ? compareMaps(schema, before, after)
      : compareLists(schema, before as readonly unknown[], after as readonly unknown[]);
  if (before === undefined) {
    return { changed: asMemberOf(inside?.changed), removed: inside?.removed };
  }
  if (after === undefined) {
    return { changed: inside?.changed, removed: asMemberOf(inside?.removed) };
  }
  return inside;
}

const asMemberOf = (set: FieldSet | undefined): FieldSet =>
  set === undefined ? leaf : asMember(set);

function compareLeaf(before: unknown, after: unknown): Changes | undefined {
  if (after === undefined) return gone;
  return before !== undefined && equalJson(before, after) ? undefined : added;
}

/** A value of another shape: all of the old is removed, all of the new is added. */
function replaced(schema: Schema, before: unknown, after: unknown): Changes {
  const removed = compare(schema, before, undefined)?.removed ?? leaf;
  const changed = compare(schema, undefined, after)?.changed ?? leaf;
  return { changed, removed };
}

/** Children are collected only where something differs: most comparisons find nothing. */
class Collector {
  #changed: MutableFieldSet | undefined;
  #removed: MutableFieldSet | undefined;

  add(element: string, changes: Changes): void {
    if (changes.changed !== undefined) {
      this.#changed ??= {};
      this.#changed[element] = changes.changed;
    }
    if (changes.removed !== undefined) {
      this.#removed ??= {};
      this.#removed[element] = changes.removed;
    }
  }

  get changes(): Changes | undefined {
    if (this.#changed === undefined && this.#removed === undefined) return undefined;
    return { changed: this.#changed, removed: this.#removed };
  }
}

const nothing: JsonObject = Object.freeze({});
const noItems: readonly unknown[] = Object.freeze([]);

/** Compares the fields of two maps that `only` lets pass. */
export function compareMaps(
  schema: Schema,
  before: unknown,
  after: unknown,
  only: (name: string) => boolean = () => true,
): Changes | undefined {
  const [old, now] = [isObject(before) ? before : nothing, isObject(after) ? after : nothing];
  const found = new Collector();
  for (const name of Object.keys(now)) {
    const value = Object.hasOwn(old, name) ? old[name] : undefined;
    if (value !== now[name] && only(name)) compareField(schema, name, value, now[name], found);
  }
  for (const name of Object.keys(old)) {
    if (Object.hasOwn(now, name) || !only(name)) continue;
    compareField(schema, name, old[name], undefined, found);
  }
  return found.changes;
}

function compareField(
  owner: Schema,
  name: string,
  before: unknown,
  after: unknown,
  found: Collector,
): void {
  const schema = fieldSchema(owner, name);
  if (schema === undefined) return;
  const blank = schema.type === 'array' ? noItems : nothing;
  const empty = isHeldByValue(owner, name) ? blank : undefined;
  const changes = compare(schema, before ?? empty, after ?? empty);
  if (changes !== undefined) found.add(fieldElement(name), changes);
}

function compareLists(
  schema: Schema,
  before: readonly unknown[] = noItems,
  after: readonly unknown[] = noItems,
): Changes | undefined {
  if (equalJson(before, after)) return undefined;
  const [old, now] = [itemsByElement(schema, before), itemsByElement(schema, after)];
  const found = new Collector();
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    const items = itemSchema(schema);
    const changes = compareItems(items, old.get(element) ?? [], now.get(element) ?? []);
    if (changes !== undefined) found.add(element, changes);
  }
  return found.changes;
}

/** A list's items by their path element: one each, unless the list has duplicates. */
export function itemsByElement(
  schema: Schema,
  items: readonly unknown[] | null,
): Map<string, unknown[]> {
  const byElement = new Map<string, unknown[]>();
  for (const item of items ?? []) {
    const element = itemElement(schema, item);
    const same = byElement.get(element);
    if (same === undefined) byElement.set(element, [item]);
    else same.push(item);
  }
  return byElement;
}

/** Items that share a key are owned together, as one leaf. */
function compareItems(
  schema: Schema,
  before: readonly unknown[],
  after: readonly unknown[],
): Changes | undefined {
  if (before.length <= 1 && after.length <= 1) return compare(schema, before[0], after[0]);
  if (before.length > 1 && after.length > 1) return equalJson(before, after) ? undefined : added;
  if (before.length > 1) {
    const left = after.length === 0 ? undefined : compare(schema, undefined, after[0]);
    return { changed: left?.changed, removed: leaf };
  }
  const lost = before.length === 0 ? undefined : compare(schema, before[0], undefined);
  return { changed: leaf, removed: lost?.removed };
}

/** `owned` after somebody else has made the changes. */
export function released(owned: FieldSet, { changed, removed }: Changes): FieldSet {
  const kept = changed === undefined ? owned : difference(owned, changed);
  return removed === undefined ? kept : difference(kept, removed);
}

/** `owned` after its owner has made the changes. */
export function claimed(owned: FieldSet, { changed, removed }: Changes): FieldSet {
  const kept = removed === undefined ? owned : difference(owned, removed);
  return changed === undefined ? kept : union(kept, changed);
}
