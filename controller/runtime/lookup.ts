/** Objects by something else than their key: by owner, by node, by label. */
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf } from '#api/resources/meta.ts';

/** Keys by the values a function gives for their objects. The function must give the same for the same object. */
export class Index<T> {
  readonly #valuesOf: (object: T) => readonly string[];
  readonly #keys = new Map<string, Set<string>>();

  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf;
  }

  keys(value: string): string[] {
    return [...(this.#keys.get(value) ?? [])];
  }

  /** How many keys there are for the value. */
  count(value: string): number {
    return this.#keys.get(value)?.size ?? 0;
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const keys = this.#keys.get(value);
      if (keys === undefined) this.#keys.set(value, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
  }
}

/** For `addIndex`: the uid of the owner that controls the object. */
export function controllerUid(object: ApiObject): readonly string[] {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
}

/** For `addIndex`: the object's namespace. */
export const namespaceOf = (object: ApiObject): readonly string[] => [
  object.metadata.namespace ?? '',
];
