/** Writes whose reply goes into the cache, so that the next plan sees them. */
import type { ApiObject, Collection, Ref } from '#api/client/collection.ts';
import { equalJson } from '#api/resources/json.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Cache } from './cache.ts';

/** The object's name and namespace, as requests want them. */
export function refOf(object: ApiObject): Ref {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

/** A copy without the fields that are `undefined`: JSON has no such thing, and comparing should not see one. */
export function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never;
}

/**
 * Writes the status over the version we read; resolves with whether it was written. A status that says nothing new is
 * not written: else each write would cause the next run.
 * @throws StatusError 409 if the object has changed meanwhile
 */
export async function writeStatus<T extends ApiObject & { status?: unknown }>(
  collection: Collection<T>,
  cache: Cache<T>,
  object: T,
  status: NonNullable<T['status']>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (equalJson(object.status, status)) return false;
  try {
    cache.put(await collection.updateStatus({ ...object, status }, signal));
    return true;
  } catch (error) {
    // It has gone: there is nobody left to tell.
    if (hasReason(error, 'NotFound')) return false;
    throw error;
  }
}

/** Whether a write was refused because the namespace is being deleted: nothing can be made in it any more. */
export const inTerminatingNamespace = (error: unknown): boolean =>
  hasReason(error, 'Forbidden') &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');

/** Deletes; that it is gone already, or is another object of this name by now, is as good. */
export async function deleteObject<T extends ApiObject>(
  collection: Collection<T>,
  object: T,
  signal?: AbortSignal,
): Promise<void> {
  const { uid } = object.metadata;
  try {
    const options = uid === undefined ? {} : { preconditions: { uid } };
    await collection.delete(refOf(object), options, signal);
  } catch (error) {
    if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
  }
}
