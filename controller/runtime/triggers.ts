/** From changes to the keys that they concern. Reasons are not passed on: a reconcile looks at states. */

import { Observable } from 'rxjs/internal/Observable';
import { merge } from 'rxjs/internal/observable/merge';
import { map } from 'rxjs/internal/operators/map';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf } from '#api/resources/meta.ts';
import type { Cache, Change } from './cache.ts';
import { type Clock, systemClock } from './clock.ts';

/** The changed object itself. */
export const selfKeys = <T>(changes: Observable<Change<T>>): Observable<string> =>
  changes.pipe(map(({ key }) => key));

/** What `keysOf` says of the object as it was and as it is. */
export const mappedKeys = <T, Key = string>(
  changes: Observable<Change<T>>,
  keysOf: (object: T) => Iterable<Key>,
): Observable<Key> =>
  changes.pipe(
    mergeMap(({ before, after }) => {
      const keys = new Set(before === undefined ? [] : keysOf(before));
      if (after !== undefined) for (const key of keysOf(after)) keys.add(key);
      return keys;
    }),
  );

/** The changed object's controlling owner, if it is of this kind: before the change and after it. */
export const ownerKeys = <T extends ApiObject>(
  kind: string,
  changes: Observable<Change<T>>,
): Observable<string> =>
  mappedKeys(changes, (object) => {
    const owner = controllerOf(object);
    if (owner?.kind !== kind) return [];
    const { namespace } = object.metadata;
    return [namespace === undefined ? owner.name : `${namespace}/${owner.name}`];
  });

/** All `keys()` again and again, every `ms` milliseconds and up to 10 % more, so that controllers do not march in step. */
export const every = <Key>(
  ms: number,
  keys: () => Iterable<Key>,
  clock: Clock = systemClock,
): Observable<Key> =>
  new Observable((subscriber) => {
    let timer: unknown;
    const arm = () => {
      timer = clock.setTimeout(tick, ms * (1 + 0.1 * clock.random()));
    };
    const tick = () => {
      for (const key of keys()) subscriber.next(key);
      arm();
    };
    arm();
    return () => clock.clearTimeout(timer);
  });

/** All keys, but held back (each once) until every cache that a reconcile reads was listed. */
export const whenSynced = <Key>(
  caches: readonly Pick<Cache<ApiObject>, 'synced'>[],
  ...keys: readonly Observable<Key>[]
): Observable<Key> =>
  new Observable((subscriber) => {
    let held: Set<Key> | undefined = new Set();
    const source = merge(...keys).subscribe({
      next: (key) => (held === undefined ? subscriber.next(key) : held.add(key)),
      error: (error) => subscriber.error(error),
    });
    const release = () => {
      const keys = held ?? [];
      held = undefined;
      for (const key of keys) subscriber.next(key);
    };
    void Promise.all(caches.map((cache) => cache.synced())).then(release);
    return source;
  });
