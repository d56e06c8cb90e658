/**
 * Strategic merge patch: a merge patch that knows by the schema which lists are maps (`patchMergeKey`) or sets, and
 * that takes directives. Rules of apimachinery's `pkg/util/strategicpatch`:
 *
 *   {"$patch": "replace" | "delete" | "merge"}         in an object, or as an item of a list of objects
 *   {"$retainKeys": ["a", "b"]}                        all other fields of the object go
 *   {"$deleteFromPrimitiveList/finalizers": ["x"]}     takes values out of a set
 *   {"$setElementOrder/containers": [{"name": "a"}]}   the order of the resulting list
 */
import { equalJson, getField, isObject, type JsonObject, setField } from '#api/resources/json.ts';
import type { Field, Schema } from '../schema/schema.ts';
import { MalformedPatch } from './errors.ts';
import {
  type ItemMerging,
  inPatchOrder,
  itemsListed,
  mergeItems,
  withoutDirectives,
} from './strategic-list.ts';

const DELETE_FROM = '$deleteFromPrimitiveList/';
const SET_ORDER = '$setElementOrder/';

/** How a field is merged; unknown fields and what lies in free-form values have no strategy. */
interface Merging extends ItemMerging {
  readonly schema: Schema | undefined;
  readonly replace: boolean;
  readonly merge: boolean;
}

function mergingOf(schema: Schema | undefined, name: string): Merging {
  const field: Field | undefined = schema?.fields?.get(name);
  const strategy = field?.patchStrategy ?? [];
  const own = field?.schema ?? (schema?.type === 'map' ? schema.items : undefined);
  return {
    schema: own,
    replace: strategy.includes('replace'),
    merge: strategy.includes('merge'),
    key: field?.patchMergeKey,
    mergeItem: (current, patch) => applyStrategicPatch(current, patch, own?.items),
  };
}

/**
 * The object after the patch; neither argument is changed (they share what the patch leaves alone).
 * @throws MalformedPatch for a directive that is wrong or out of place
 */
export function applyStrategicPatch(
  doc: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  const { $patch: directive, ...fields } = patch;
  if (directive === 'delete') return {};
  if (directive === 'replace') return withoutDirectives(fields) as JsonObject;
  if (directive !== undefined && directive !== 'merge') {
    throw new MalformedPatch(`unknown patch type: ${JSON.stringify(directive)} in an object`);
  }
  const merged = retained(doc, fields);
  const orders = Object.keys(fields).filter((name) => name.startsWith(SET_ORDER));
  const ordered = new Set(orders.map((name) => name.slice(SET_ORDER.length)));
  for (const [name, value] of Object.entries(fields)) {
    if (name === '$retainKeys' || name.startsWith(SET_ORDER) || ordered.has(name)) continue;
    mergeField(merged, name, value, schema);
  }
  for (const name of orders) {
    orderField(
      merged,
      name.slice(SET_ORDER.length),
      fields,
      mergingOf(schema, name.slice(SET_ORDER.length)),
    );
  }
  return merged;
}

/** A shallow copy of `doc`, with only the fields that `$retainKeys` lists if the patch has it. */
function retained(doc: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch['$retainKeys'];
  if (keys === undefined) return { ...doc };
  if (!Array.isArray(keys)) throw new MalformedPatch('invalid patch format of retainKeys');
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || name.startsWith('$') || keys.includes(name)) continue;
    throw new MalformedPatch(
      `invalid patch format of retainKeys: the patch has "${name}", which is not in the list`,
    );
  }
  return Object.fromEntries(Object.entries(doc).filter(([name]) => keys.includes(name)));
}

function mergeField(
  target: JsonObject,
  name: string,
  value: unknown,
  schema: Schema | undefined,
): void {
  if (name.startsWith(DELETE_FROM)) {
    deleteValues(target, name.slice(DELETE_FROM.length), value);
  } else if (value === null) {
    delete target[name];
  } else {
    setField(target, name, mergedValue(getField(target, name), value, mergingOf(schema, name)));
  }
}

function deleteValues(target: JsonObject, name: string, values: unknown): void {
  if (!Array.isArray(values)) throw new MalformedPatch('invalid patch format of primitive list');
  const list = getField(target, name);
  if (!Array.isArray(list)) return;
  setField(
    target,
    name,
    list.filter((item) => !values.some((value) => equalJson(item, value))),
  );
}

function mergedValue(current: unknown, value: unknown, merging: Merging): unknown {
  if (isObject(current) && isObject(value)) {
    return merging.replace
      ? withoutDirectives(value)
      : applyStrategicPatch(current, value, merging.schema);
  }
  if (Array.isArray(current) && Array.isArray(value)) {
    return merging.merge ? mergeItems(current, value, merging) : withoutDirectives(value);
  }
  return withoutDirectives(value);
}

/** `$setElementOrder/name`: merges the list if the patch has one, then puts it into the order given. */
function orderField(target: JsonObject, name: string, patch: JsonObject, merging: Merging): void {
  const order = patch[`${SET_ORDER}${name}`];
  if (!Array.isArray(order))
    throw new MalformedPatch('invalid patch format of setElementOrder list');
  const value = patch[name];
  const current = getField(target, name);
  if (value === null) {
    delete target[name];
    return;
  }
  if (value !== undefined && !Array.isArray(value)) {
    throw new MalformedPatch(`invalid patch format: ${name} must be a list`);
  }
  if (value !== undefined) checkOrder(name, value, order, merging.key);
  const before = Array.isArray(current) ? current : undefined;
  const merged = value === undefined ? before : (mergedValue(before, value, merging) as unknown[]);
  if (merged === undefined) return;
  setField(target, name, inPatchOrder(merged, order, before ?? [], merging.key));
}

/** What the patch adds must be in the order list, and in that order. */
function checkOrder(
  name: string,
  items: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): void {
  const kept = items.filter((item) => !isObject(item) || item['$patch'] === undefined);
  const places = itemsListed(kept, order, key);
  if (places.every((place, i) => place >= 0 && (i === 0 || place > (places[i - 1] as number)))) {
    return;
  }
  throw new MalformedPatch(
    `The order in patch list:\n${JSON.stringify(kept)}\n doesn't match ${SET_ORDER}${name} list:\n${JSON.stringify(order)}\n`,
  );
}
