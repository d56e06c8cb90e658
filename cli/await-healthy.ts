/** Waits until objects do what they are there for; asks for nothing, watches. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject, Collection } from '#api/client/collection.ts';
import { type Health, healthOf } from '#api/resources/health.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { objectLabel } from './object-name.ts';

export interface Awaited {
  readonly type: ResourceType;
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** What was not so in time, with why. */
export interface Late {
  readonly label: string;
  readonly why: string;
}

/** Tests are told of each object as it is now and after each change; the first that says `true` ends it. */
export async function watchUntil(
  client: RemoteClient,
  { type, name, namespace }: Awaited,
  isSo: (object: ApiObject | undefined) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const collection = client.collection<ApiObject>(type);
  const ref = namespace === undefined ? { name } : { name, namespace };
  while (!signal.aborted) {
    const object = await collection.get(ref).catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
    if (isSo(object)) return true;
    if (await changed(collection, { name, namespace }, object, isSo, signal)) return true;
  }
  return false;
}

/** Resolves with whether it is so when the watch ends: by that, by the signal, or by itself. */
function changed(
  collection: Collection<ApiObject>,
  { name, namespace }: Omit<Awaited, 'type'>,
  object: ApiObject | undefined,
  isSo: (object: ApiObject | undefined) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const version = object?.metadata.resourceVersion;
    const watching = collection
      .watch({
        fieldSelector: `metadata.name=${name}`,
        timeoutSeconds: 300,
        ...(namespace === undefined ? {} : { namespace }),
        ...(version === undefined ? {} : { resourceVersion: version }),
      })
      .subscribe({
        next: (event) => {
          if (event.type === 'BOOKMARK') return;
          if (isSo(event.type === 'DELETED' ? undefined : event.object)) end(true);
        },
        // Broken, or the version is too old: the object is read again, a moment later.
        error: () => void setTimeout(() => end(false), 500),
        complete: () => end(false),
      });
    const abort = () => end(false);
    function end(is: boolean): void {
      signal.removeEventListener('abort', abort);
      // The first events may come before `subscribe` has returned.
      queueMicrotask(() => watching.unsubscribe());
      resolve(is);
    }
    signal.addEventListener('abort', abort);
  });
}

/** All at once; those that are not healthy when the signal aborts, or that have failed for good. */
export async function untilHealthy(
  client: RemoteClient,
  objects: readonly Awaited[],
  signal: AbortSignal,
): Promise<Late[]> {
  const late = await Promise.all(
    objects.map(async (awaited): Promise<Late[]> => {
      let health: Health = { is: 'waiting', why: 'it was not seen' };
      const isDecided = (object: ApiObject | undefined) => {
        health = healthOf(object);
        return health.is !== 'waiting';
      };
      await watchUntil(client, awaited, isDecided, signal);
      const found = health as Health;
      if (found.is === 'healthy') return [];
      return [{ label: objectLabel(awaited.type, awaited.name), why: found.why }];
    }),
  );
  return late.flat();
}
