/** The URLs of the API. */
import type { ResourceType } from '#api/resources/meta.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `?a=1&b=2` without what is undefined; `''` if nothing is left. */
export function query(parameters: Query): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

export interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string;
}

/** The path of a type's collection, or of one object in it, or of an object's subresource. */
export function resourcePath(type: ResourceType, place: Place = {}): string {
  const root = type.group === '' ? '/api' : `/apis/${type.group}`;
  const steps = [root, type.version];
  if (type.namespaced && place.namespace !== undefined) steps.push('namespaces', place.namespace);
  steps.push(type.plural);
  if (place.name !== undefined) steps.push(encodeURIComponent(place.name));
  if (place.subresource !== undefined) steps.push(place.subresource);
  return steps.join('/');
}
