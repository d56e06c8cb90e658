/** Fields by path: `spec/template/spec/containers[]/image`; `[]` means each of a list. */
import { isObject, type JsonObject, setField } from '#api/resources/json.ts';

/** One rule of where something is changed: of which kinds (absent: of all), and whether what is missing is made. */
export interface FieldRule {
  readonly path: string;
  readonly kinds?: readonly string[];
  readonly create?: boolean;
}

/** Hands each place of the path to `change`: the object that has the field, and its name. */
export function atPath(
  object: JsonObject,
  path: string,
  create: boolean,
  change: (parent: JsonObject, field: string) => void,
): void {
  step(object, path.split('/'), create, change);
}

function step(
  value: unknown,
  [first = '', ...rest]: readonly string[],
  create: boolean,
  change: (parent: JsonObject, field: string) => void,
): void {
  if (!isObject(value)) return;
  const isList = first.endsWith('[]');
  const field = isList ? first.slice(0, -2) : first;
  const held = Object.hasOwn(value, field) ? value[field] : undefined;
  if (isList) {
    if (Array.isArray(held)) for (const one of held) step(one, rest, create, change);
    return;
  }
  if (rest.length === 0) {
    if (create || held !== undefined) change(value, field);
    return;
  }
  if (held === undefined || held === null) {
    if (!create) return;
    setField(value, field, {});
  }
  step(value[field], rest, create, change);
}

/** Applies every rule that means the object's kind. */
export function byRules(
  object: JsonObject & { readonly kind: string },
  rules: readonly FieldRule[],
  change: (parent: JsonObject, field: string) => void,
): void {
  for (const { path, kinds, create = false } of rules) {
    if (kinds === undefined || kinds.includes(object.kind)) atPath(object, path, create, change);
  }
}

/** Adds the pairs to the map in the field. */
export const addPairs =
  (pairs: Readonly<Record<string, string>>) =>
  (parent: JsonObject, field: string): void => {
    const held = parent[field];
    parent[field] = { ...(isObject(held) ? held : {}), ...pairs };
  };
