/**
 * Keys of owners whose pods change. Each run looks at all pods of its owner: of an owner with ten thousand, a run for every
 * change would be a hundred million looks. So the more pods there are, the more changes one run takes together.
 */
import { Observable } from 'rxjs/internal/Observable';
import type { ApiObject } from '#api/client/collection.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import type { Clock } from '#controller/runtime/clock.ts';

/** Owners of fewer pods are told at once. */
const few = 100;
/** A run looks at about so many pods in a millisecond, and should take a tenth of the time at most. */
const podsPerMs = 20;

/** How long changes of the owner's pods are gathered. `pods` has the index `controller`. */
export const gatherMs =
  <T extends ApiObject>(owners: Cache<T>, pods: Cache<Pod>) =>
  (key: string): number => {
    const count = pods.countByIndex('controller', owners.get(key)?.metadata.uid ?? '');
    return count < few ? 0 : count / podsPerMs;
  };

/** Each key `delayMs(key)` after it came; those that come meanwhile are the same. */
export const paced = (
  keys$: Observable<string>,
  delayMs: (key: string) => number,
  clock: Clock,
): Observable<string> =>
  new Observable((subscriber) => {
    const waiting = new Map<string, unknown>();
    const source = keys$.subscribe({
      next: (key) => {
        if (waiting.has(key)) return;
        const ms = delayMs(key);
        if (ms === 0) {
          subscriber.next(key);
          return;
        }
        const tell = () => {
          waiting.delete(key);
          subscriber.next(key);
        };
        waiting.set(key, clock.setTimeout(tell, ms));
      },
      error: (error) => subscriber.error(error),
    });
    return () => {
      source.unsubscribe();
      for (const timer of waiting.values()) clock.clearTimeout(timer);
    };
  });
