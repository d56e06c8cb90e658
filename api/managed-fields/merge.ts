/** Lays an applied configuration over a live object: what it names is set, nothing is taken away. */
import { isObject, type JsonObject, setField } from '#api/resources/json.ts';
import type { Schema } from '../schema/schema.ts';
import { itemsByElement } from './compare.ts';
import { itemElement } from './path-element.ts';
import { fieldSchema, isBlank, itemSchema, shapeOf } from './shape.ts';

/**
 * The live value with the configuration's fields; neither is changed, and what did not change is shared. Lists with
 * named items keep the live order where the configuration does not set another. Throws `Unkeyable`.
 */
export function mergeApplied(schema: Schema, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  const shape = shapeOf(schema, applied);
  if (shape === 'leaf' || (isBlank(live) && isBlank(applied))) {
    return applied === null && shape !== 'leaf' && live !== undefined ? live : applied;
  }
  if (isBlank(applied)) return live;
  if (shape === 'map') return mergeMaps(schema, live, applied as JsonObject);
  return mergeLists(schema, Array.isArray(live) ? live : [], applied as unknown[]);
}

function mergeMaps(schema: Schema, live: unknown, applied: JsonObject): JsonObject {
  const merged: JsonObject = isObject(live) ? { ...live } : {};
  for (const name of Object.keys(applied)) {
    const inside = fieldSchema(schema, name);
    if (inside === undefined) continue;
    const current = Object.hasOwn(merged, name) ? merged[name] : undefined;
    setField(merged, name, mergeApplied(inside, current, applied[name]));
  }
  return merged;
}

/**
 * Items of both lists in an order that respects both: the configuration's items in its order, the live list's other
 * items after the item that they follow there (structured-merge-diff's walk over both lists at once).
 */
function mergeLists(schema: Schema, live: readonly unknown[], applied: readonly unknown[]) {
  const current = itemsByElement(schema, live);
  const wanted = itemsByElement(schema, applied);
  const [left, right] = [
    live.map((item) => itemElement(schema, item)),
    applied.map((item) => itemElement(schema, item)),
  ];
  const merged: unknown[] = [];
  const take = (element: string): void => {
    const [before, ...duplicates] = current.get(element) ?? [];
    // Duplicates cannot be told apart: the configuration's item takes the place of them all.
    const base = duplicates.length > 0 ? undefined : before;
    merged.push(mergeApplied(itemSchema(schema), base, wanted.get(element)?.[0]));
  };
  walkBoth(left, right, {
    keep: (index) => merged.push(live[index]),
    take,
  });
  return merged;
}

interface Visitor {
  /** The item of the live list at the index, which is in that list alone. */
  keep(index: number): void;
  /** An item of the configuration. */
  take(element: string): void;
}

function walkBoth(left: readonly string[], right: readonly string[], visitor: Visitor): void {
  const [inLeft, inRight] = [new Set(left), new Set(right)];
  const shared = right.filter((element) => inLeft.has(element));
  const taken = new Set<string>();
  let next = 0;
  const take = (element: string): void => {
    visitor.take(element);
    taken.add(element);
    if (shared[next] === element) next += 1;
  };
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const [mine, other] = [left[l], right[r]];
    if (mine !== undefined && mine === other) {
      take(mine);
      l += 1;
      r += 1;
    } else if (mine !== undefined && (taken.has(mine) || waits(mine, other, shared[next]))) {
      l += 1;
    } else if (mine !== undefined && !inRight.has(mine)) {
      visitor.keep(l);
      l += 1;
    } else if (other !== undefined) {
      take(other);
      r += 1;
    } else l += 1;
  }

  /** A shared item whose turn in the configuration's order has not come. */
  function waits(mine: string, other: string | undefined, turn: string | undefined): boolean {
    return other !== undefined && inRight.has(mine) && turn !== undefined && turn !== mine;
  }
}
