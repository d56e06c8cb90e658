/**
 * The three-way merge of `apply`: what the document says now, what it said last, what stands. The outcome is a JSON
 * merge patch (RFC 7386): a list is replaced as a whole, a field that the document no longer names is removed.
 */
import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether `live` holds all that `wanted` says, however much more it holds (defaults, for example). */
function covers(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live) || live.length !== wanted.length) return false;
    return wanted.every((item, index) => covers(live[index], item));
  }
  if (!isObject(wanted)) return isDeepStrictEqual(live, wanted);
  return isObject(live) && Object.entries(wanted).every(([key, item]) => covers(live[key], item));
}

/** The merge patch that makes `live` follow `wanted`; `undefined` when it does already. */
export function threeWayPatch(last: unknown, wanted: Json, live: Json): Json | undefined {
  const patch: Json = {};
  const before = isObject(last) ? last : {};
  for (const key of Object.keys(before)) {
    if (!(key in wanted) && key in live) patch[key] = null;
  }
  for (const [key, value] of Object.entries(wanted)) {
    const current = live[key];
    if (isObject(value) && isObject(current)) {
      const inner = threeWayPatch(before[key], value, current);
      if (inner !== undefined) patch[key] = inner;
    } else if (listChanged(before[key], value, current) || !covers(current, value)) {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** A list is sent again when the document changed it, even if what stands covers it (a field was taken out). */
function listChanged(last: unknown, wanted: unknown, live: unknown): boolean {
  return Array.isArray(wanted) && Array.isArray(live) && last !== undefined
    ? !isDeepStrictEqual(last, wanted)
    : false;
}
