/** Plain JSON values: what every object of the API is made of. */

export type JsonObject = Record<string, unknown>;

/** Whether the value is a JSON object (neither null nor a list). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is an object, else an empty one: reads of what may be absent or of the wrong type. */
export function objectOr(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of the value if it is a list, else none. The list itself if it holds nothing else: not to be changed. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.every(isObject) ? value : value.filter(isObject);
}

/** The value if it is a string, else `''`, as Go's zero value would read. */
export function stringOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value if it is a number, else 0, as Go's zero value would read. */
export function numberOr(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** A deep copy. Several times cheaper than `structuredClone`, which must look for cycles and classes. */
export function cloneJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) setField(copy, key, cloneJson(value[key]));
  return copy as T;
}

/** Sets an own field whatever it is called; a plain `object['__proto__'] = x` would change the prototype. */
export function setField(object: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') {
    object[key] = value;
    return;
  }
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** An own field's value; what `Object.prototype` has (`constructor`, `toString`) is not a field. */
export function getField(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Whether two JSON values are equal; the order of an object's fields does not matter. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]));
}
