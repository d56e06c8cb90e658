/** The lists of a strategic merge patch: items merged by key, sets of values, and the order of the result. */
import { equalJson, isObject, type JsonObject, setField } from '#api/resources/json.ts';
import { MalformedPatch } from './errors.ts';

/** How the items of a list are merged. */
export interface ItemMerging {
  /** The field that names an item; absent in lists of plain values. */
  readonly key: string | undefined;
  readonly mergeItem: (current: JsonObject, patch: JsonObject) => JsonObject;
}

const keyOfItem = (item: unknown, key: string | undefined): unknown =>
  key !== undefined && isObject(item) ? item[key] : item;

function placeIn(list: readonly unknown[], item: unknown, key: string | undefined): number {
  const wanted = keyOfItem(item, key);
  return list.findIndex((other) => equalJson(keyOfItem(other, key), wanted));
}

/** For each item its place in `list`, -1 for none. */
export function itemsListed(
  items: readonly unknown[],
  list: readonly unknown[],
  key: string | undefined,
): number[] {
  return items.map((item) => placeIn(list, item, key));
}

/** Merges `patch` into `current`; what the patch names comes in the patch's order. */
export function mergeItems(
  current: readonly unknown[],
  patch: readonly unknown[],
  merging: ItemMerging,
): unknown[] {
  if (![...current, ...patch].some(isObject)) return mergeValues(current, patch);
  if (merging.key === undefined) {
    throw new MalformedPatch('cannot merge lists of objects without a merge key');
  }
  return mergeObjects(current, patch, merging.key, merging);
}

/** A set of plain values: the union. */
function mergeValues(current: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const merged = [...new Set([...current, ...patch])];
  return inPatchOrder(merged, patch, current, undefined);
}

function requireKey(item: unknown, key: string): JsonObject {
  if (isObject(item) && item[key] !== undefined) return item;
  throw new MalformedPatch(
    `map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`,
  );
}

function mergeObjects(
  current: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  merging: ItemMerging,
): unknown[] {
  const { items, replace, left } = applyItemDirectives(current, patch, key);
  if (replace) return items.map(withoutDirectives);
  const merged = [...left];
  for (const item of items) {
    const wanted = requireKey(item, key);
    const place = placeIn(merged, wanted, key);
    if (place < 0) merged.push(withoutDirectives(wanted));
    else merged[place] = merging.mergeItem(merged[place] as JsonObject, wanted);
  }
  return inPatchOrder(merged, items, current, key);
}

/** Splits the patch's items from its directives: `$patch: delete` items are taken out of the list at once. */
function applyItemDirectives(
  current: readonly unknown[],
  patch: readonly unknown[],
  key: string,
): { items: unknown[]; replace: boolean; left: readonly unknown[] } {
  const items: unknown[] = [];
  let replace = false;
  let left = current;
  for (const item of patch) {
    const directive = isObject(item) ? item['$patch'] : undefined;
    if (directive === undefined) items.push(item);
    else if (directive === 'replace') replace = true;
    else if (directive === 'delete') {
      const gone = requireKey(item, key)[key];
      left = left.filter((other) => !equalJson(keyOfItem(other, key), gone));
    } else if (directive === 'merge') {
      throw new MalformedPatch('merging lists cannot yet be specified in the patch');
    } else {
      throw new MalformedPatch(`unknown patch type: ${JSON.stringify(directive)} in a list`);
    }
  }
  return { items, replace, left };
}

/**
 * Orders a merged list: items named by the patch keep the patch's order, the others the server's, and where the two
 * meet the server's old order decides; a named item that is new goes before the others.
 */
export function inPatchOrder(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const rank = (list: readonly unknown[]) => (item: unknown) => placeIn(list, item, key);
  const [inPatch, onServer] = [rank(patchOrder), rank(serverOrder)];
  const named = merged.filter((item) => inPatch(item) >= 0).sort((a, b) => inPatch(a) - inPatch(b));
  const others = merged
    .filter((item) => inPatch(item) < 0)
    .sort((a, b) => onServer(a) - onServer(b));
  const result: unknown[] = [];
  for (let i = 0, j = 0; i < others.length || j < named.length; ) {
    const place = j < named.length ? onServer(named[j]) : Infinity;
    const otherFirst =
      i < others.length && (place === Infinity || (place >= 0 && onServer(others[i]) < place));
    result.push(otherFirst ? others[i++] : named[j++]);
  }
  return result;
}

/** A value taken whole from a patch: directives in it have nothing to act on and are left out. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    const real = value.filter((item) => !isObject(item) || item['$patch'] !== 'delete');
    return real.filter((item) => !isDirectiveOnly(item)).map(withoutDirectives);
  }
  if (!isObject(value)) return value;
  if (value['$patch'] === 'delete') return {};
  const plain: JsonObject = {};
  for (const [name, field] of Object.entries(value)) {
    const directive =
      name === '$patch' ||
      name === '$retainKeys' ||
      /^\$(setElementOrder|deleteFromPrimitiveList)\//.test(name);
    if (!directive && field !== null) setField(plain, name, withoutDirectives(field));
  }
  return plain;
}

const isDirectiveOnly = (item: unknown): boolean =>
  isObject(item) && item['$patch'] === 'replace' && Object.keys(item).length === 1;
