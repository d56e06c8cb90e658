/** Objects we have asked to delete and whose going the cache does not show yet: counted as gone, so none goes in vain. */
import type { ApiObject } from '#api/client/collection.ts';
import type { Cache } from './cache.ts';

export class Leaving<T extends ApiObject> {
  readonly #uids = new Set<string>();

  constructor(cache: Cache<T>) {
    cache.changes.subscribe(({ before, after }) => {
      const uid = before?.metadata.uid;
      if (uid === undefined) return;
      const stays = after?.metadata.uid === uid && after.metadata.deletionTimestamp === undefined;
      if (!stays) this.#uids.delete(uid);
    });
  }

  /** The object's deletion was accepted. */
  add(object: T): void {
    if (object.metadata.uid !== undefined) this.#uids.add(object.metadata.uid);
  }

  /** The objects as the server has them by now: with a deletionTimestamp where we deleted. */
  shown(objects: readonly T[]): T[] {
    return objects.map((object) => {
      const { uid = '', deletionTimestamp } = object.metadata;
      if (deletionTimestamp !== undefined || !this.#uids.has(uid)) return object;
      const metadata = { ...object.metadata, deletionTimestamp: 'asked for' };
      return { ...object, metadata };
    });
  }
}
