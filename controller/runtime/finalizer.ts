/**
 * Finalizers: an object stays, with a deletionTimestamp, until every finalizer was removed. The contract:
 * add ours before making anything that must be undone; undo when the object is being deleted; then remove ours.
 */
import type { ApiObject, Collection } from '#api/client/collection.ts';
import { hasReason } from '#api/resources/status.ts';

export const hasFinalizer = (object: ApiObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) ?? false;

export const isBeingDeleted = (object: ApiObject): boolean =>
  object.metadata.deletionTimestamp !== undefined;

/** Adds the finalizer if it is missing. @throws StatusError 409 if the object has changed meanwhile */
export async function addFinalizer<T extends ApiObject>(
  collection: Collection<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  const finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  return write(collection, object, finalizers, signal);
}

/**
 * Removes the finalizer if it is there, and gives the server's answer; an object that is gone is as good.
 * @throws StatusError 409 if the object has changed meanwhile
 */
export async function removeFinalizer<T extends ApiObject>(
  collection: Collection<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  if (!hasFinalizer(object, finalizer)) return undefined;
  const finalizers = object.metadata.finalizers?.filter((one) => one !== finalizer) ?? [];
  try {
    return await write(collection, object, finalizers.length === 0 ? null : finalizers, signal);
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    return undefined;
  }
}

/** The whole list under the version we read: two parts that change it at once cannot undo each other. */
function write<T extends ApiObject>(
  collection: Collection<T>,
  object: T,
  finalizers: string[] | null,
  signal?: AbortSignal,
): Promise<T> {
  const { name, namespace, resourceVersion } = object.metadata;
  const ref = namespace === undefined ? { name } : { name, namespace };
  const patch = { metadata: { resourceVersion, finalizers } };
  return collection.patch(ref, patch, 'merge', signal);
}
