/** Stored objects in the version that is served: several served versions of a kind share one stored one. */
import { cloneJson, equalJson } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { convertTo, needsConversion } from '../kinds/convert.ts';
import { applySchemaDefaults, prune } from '../schema/fields.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';

/** Whether the stored bytes are what clients of this version get. */
export function storedAsServed(kind: Kind): boolean {
  return kind.custom === undefined && kind.storageApiVersion === apiVersionOf(kind);
}

/** Whether an object's stored bytes can differ from what is served in more than the `apiVersion`. */
export function mayDiffer(kind: Kind): boolean {
  return needsConversion(kind) || kind.custom?.revised === true;
}

/** The object as clients of this version see it; not to be changed. */
export function served(kind: Kind, entry: Entry): KubeObject {
  const object = convertTo(entry.object(), apiVersionOf(kind));
  return kind.custom?.revised === true && isOutdated(kind, entry) ? renewed(kind, object) : object;
}

/** The same as JSON bytes. */
export function servedBody(kind: Kind, entry: Entry): Buffer {
  if (storedAsServed(kind)) return entry.body();
  if (needsConversion(kind) || (kind.custom?.revised === true && isOutdated(kind, entry))) {
    return Buffer.from(JSON.stringify(served(kind, entry)));
  }
  return entry.body(apiVersionOf(kind));
}

/** Whether the kind's schema makes something else of the stored object: found out once for each entry and schema. */
function isOutdated(kind: Kind, entry: Entry): boolean {
  return entry.memo(kind, (object) => !equalJson(object, renewed(kind, object)));
}

/** A custom object as its schema is now: without fields that are no longer known, with defaults that were added since. */
function renewed(kind: Kind, object: KubeObject): KubeObject {
  return applySchemaDefaults(kind.schema, prune(kind.schema, cloneJson(object)));
}
