/** Follows the objects that GitSyncs have applied, of every kind that they have: by their label, so nobody else's. */
import { Observable } from 'rxjs/internal/Observable';
import { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject } from '#api/client/collection.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { watchCollection } from '#controller/runtime/watch.ts';
import type { World } from '#controller/runtime/world.ts';
import { type Live, ownerLabel } from './plan.ts';

interface Followed {
  readonly cache: Cache<ApiObject>;
  readonly watching: Subscription;
}

const nameOf = (type: ResourceType): string => `${apiVersionOf(type)}/${type.plural}`;

export class Watching {
  readonly #world: World;
  readonly #followed = new Map<string, Followed>();
  /** By the keys of GitSyncs. */
  readonly #wanted = new Map<string, readonly ResourceType[]>();
  #tell: (uid: string) => void = () => undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Uids of GitSyncs of whose objects one has changed. Unsubscribing ends all watches. */
  readonly uids$ = new Observable<string>((subscriber) => {
    this.#tell = (uid) => subscriber.next(uid);
    return () => {
      for (const { watching } of this.#followed.values()) watching.unsubscribe();
      this.#followed.clear();
    };
  });

  /** Follows these types for this GitSync from now on, and no others but those of other GitSyncs. */
  of(key: string, types: readonly ResourceType[]): void {
    if (types.length === 0) this.#wanted.delete(key);
    else this.#wanted.set(key, types);
    const wanted = new Map([...this.#wanted.values()].flat().map((type) => [nameOf(type), type]));
    for (const [name, { watching }] of this.#followed) {
      if (wanted.has(name)) continue;
      watching.unsubscribe();
      this.#followed.delete(name);
    }
    for (const [name, type] of wanted) if (!this.#followed.has(name)) this.#follow(name, type);
  }

  live(type: ResourceType | undefined, key: string): Live {
    const followed = type === undefined ? undefined : this.#followed.get(nameOf(type));
    if (followed === undefined || !followed.cache.isSynced) return 'unheard';
    return followed.cache.get(key);
  }

  /** Takes the reply to a write. */
  put(type: ResourceType, object: ApiObject): void {
    this.#followed.get(nameOf(type))?.cache.put(object);
  }

  #follow(name: string, type: ResourceType): void {
    const { clock, client, log } = this.#world;
    const cache = new Cache<ApiObject>();
    const watching = new Subscription();
    this.#followed.set(name, { cache, watching });
    watching.add(
      cache.changes.subscribe(({ before, after }) => {
        const uids = [before, after].map((object) => object?.metadata.labels?.[ownerLabel]);
        for (const uid of new Set(uids)) if (uid !== undefined) this.#tell(uid);
      }),
    );
    const onProblem = (error: unknown) => log.debug('watch failed', { resource: name, error });
    const options = { clock, onProblem, listOptions: { labelSelector: ownerLabel } };
    const events = watchCollection(client.collection<ApiObject>(type), options);
    watching.add(events.subscribe((event) => cache.apply(event)));
  }
}
