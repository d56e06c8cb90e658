/** The small moves of defaulting. All of them change the object they are given. */
import { isObject, type JsonObject } from '#api/resources/json.ts';

/** Whether Go would read the field as unset: absent, null or the empty string. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Sets the fields that are unset. */
export function fill(object: JsonObject, defaults: JsonObject): void {
  for (const [field, value] of Object.entries(defaults)) {
    if (isUnset(object[field])) object[field] = value;
  }
}

/** As `fill`, for numbers whose zero means unset in Kubernetes (a probe's periods). */
export function fillNonZero(object: JsonObject, defaults: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(defaults)) {
    if (isUnset(object[field]) || object[field] === 0) object[field] = value;
  }
}

/** The object in the field; made if there is none. */
export function ensureObject(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  if (isObject(value)) return value;
  const made: JsonObject = {};
  object[field] = made;
  return made;
}
