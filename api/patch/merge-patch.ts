/** JSON Merge Patch (RFC 7386). */
import { cloneJson, getField, isObject, type JsonObject, setField } from '#api/resources/json.ts';

/** The document with the patch's fields: `null` removes, objects merge, all else replaces. Changes no argument. */
export function applyMergePatch(doc: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return cloneJson(patch);
  const merged: JsonObject = isObject(doc) ? { ...doc } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else setField(merged, key, applyMergePatch(getField(merged, key), value));
  }
  return merged;
}
