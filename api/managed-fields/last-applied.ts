/**
 * The annotation of client-side apply. `kubectl apply --server-side` takes over without a conflict what `kubectl apply`
 * has set before, and keeps the annotation right, so that both ways can be used in turn.
 */
import { isObject, type JsonObject } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '../schema/kind.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet, leaf } from './field-set.ts';
import { Unkeyable } from './path-element.ts';
import { fieldSetOf } from './set-of.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The one manager for whom the annotation is looked at and kept. */
export const isKubectl = (manager: string): boolean => manager === 'kubectl';

/** The fields that client-side apply has set and nobody has changed since. */
export function lastAppliedFields(kind: Kind, live: KubeObject): FieldSet {
  const last = parsed(live.metadata.annotations?.[annotation]);
  if (last === undefined || last['apiVersion'] !== apiVersionOf(kind)) return leaf;
  try {
    const fields = fieldSetOf(kind.schema, last);
    const { changed = leaf, removed = leaf } = compare(kind.schema, last, live) ?? {};
    return difference(difference(fields, changed), removed);
  } catch (error) {
    if (error instanceof Unkeyable) return leaf;
    throw error;
  }
}

function parsed(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The object with the configuration in its annotation, if it has one. */
export function withLastApplied(object: KubeObject, applied: JsonObject): KubeObject {
  const { annotations } = object.metadata;
  if (!annotations?.[annotation]) return object;
  const metadata = isObject(applied['metadata']) ? { ...applied['metadata'] } : {};
  if (isObject(metadata['annotations'])) {
    const { [annotation]: _, ...others } = metadata['annotations'];
    metadata['annotations'] = others;
  }
  const text = `${JSON.stringify(byName({ ...applied, metadata }))}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [annotation]: text } },
  };
}

/** Fields in the order of their names, as kubectl writes them. */
function byName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byName);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, byName(value[name])]),
  );
}
