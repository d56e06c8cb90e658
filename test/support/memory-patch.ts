/** Patches for the API in memory: RFC 7386, RFC 6902, and strategic merge for the lists our own parts patch. */
import type { PatchType } from '#api/client/collection.ts';

type Json = unknown;
type Fields = Record<string, Json>;

/** The merge keys of the lists that strategic patches of our parts touch, by field name. */
const mergeKeys: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  addresses: 'type',
  ownerReferences: 'uid',
};

const isFields = (value: Json): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(target: Json, patch: Json, mergeList: (t: Json[], p: Json[], k: string) => Json[]) {
  if (!isFields(patch)) return patch;
  const merged: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    const old = merged[name];
    const both = Array.isArray(value) && Array.isArray(old);
    if (value === null) delete merged[name];
    else merged[name] = both ? mergeList(old, value, name) : merge(old, value, mergeList);
  }
  return merged;
}

function mergeByKey(target: Json[], patch: Json[], name: string): Json[] {
  const key = mergeKeys[name];
  if (name === 'finalizers') return [...new Set([...target, ...patch])];
  if (key === undefined) return patch;
  const merged = [...target];
  for (const item of patch as Fields[]) {
    const at = merged.findIndex((one) => (one as Fields)[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = merge(merged[at], item, mergeByKey);
    else merged.push(item);
  }
  return merged;
}

function step(document: Json, operation: { op: string; path: string; value?: Json }): void {
  const steps = operation.path
    .split('/')
    .slice(1)
    .map((one) => one.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop() ?? '';
  let parent = document as Fields;
  for (const name of steps) parent = parent[name] as Fields;
  if (operation.op === 'test') {
    if (JSON.stringify(parent[last]) === JSON.stringify(operation.value)) return;
    throw new Error(`testing path ${operation.path} failed`);
  }
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : Number(last);
    if (operation.op === 'remove') parent.splice(at, 1);
    else parent.splice(at, operation.op === 'replace' ? 1 : 0, operation.value);
  } else if (operation.op === 'remove') delete parent[last];
  else parent[last] = operation.value;
}

/** A patched copy of `object`. */
export function patched<T>(object: T, patch: unknown, type: PatchType): T {
  const copy = structuredClone(object);
  if (type === 'json') {
    for (const operation of patch as Parameters<typeof step>[1][]) step(copy, operation);
    return copy;
  }
  const replaceList = (_: Json[], list: Json[]) => list;
  return merge(copy, patch, type === 'strategic' ? mergeByKey : replaceList) as T;
}

/** A merge patch to `next` that also removes what `last` had and `next` has no more. */
export function withRemovals(last: unknown, next: unknown): unknown {
  if (!isFields(last) || !isFields(next)) return next;
  const removed = Object.keys(last).filter((name) => !(name in next));
  return {
    ...Object.fromEntries(removed.map((name) => [name, null])),
    ...Object.fromEntries(
      Object.entries(next).map(([name, value]) => [name, withRemovals(last[name], value)]),
    ),
  };
}
