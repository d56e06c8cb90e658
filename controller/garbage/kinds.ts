/** Follows the metadata of every kind there is, those of custom resources too, into the graph. */
import { Observable } from 'rxjs/internal/Observable';
import { Subscription } from 'rxjs/internal/Subscription';
import type { ApiObject } from '#api/client/collection.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import { customResourceDefinitions } from '#api/resources/resource-types.ts';
import { backoffMs, connectBackoff } from '#controller/runtime/backoff.ts';
import type { Change } from '#controller/runtime/cache.ts';
import { sleep } from '#controller/runtime/clock.ts';
import { type DiscoveredType, discover } from '#controller/runtime/discovery.ts';
import { type WatchEvent, watchCollection } from '#controller/runtime/watch.ts';
import type { World } from '#controller/runtime/world.ts';
import { type Graph, itemOf } from './graph.ts';

/** A new kind is served a moment after its definition has changed. */
const settleMs = 100;
/** At the start there is more urgent work, and nothing becomes garbage by waiting. */
const startMs = 1_000;
/** For the first lists, before objects are judged by what was listed; a kind that cannot be listed holds up no longer. */
const listMs = 3_000;

/** Events neither own nor are owned, and are many; of several groups that serve a store one is enough. */
const isFollowed = ({ group, plural, verbs }: DiscoveredType): boolean =>
  plural !== 'events' &&
  group !== 'extensions' &&
  ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb));

const nameOf = (type: ResourceType): string => `${apiVersionOf(type)}/${type.plural}`;

interface Followed {
  readonly uids: Set<string>;
  readonly watching: Subscription;
}

export class Kinds {
  readonly #world: World;
  readonly #graph: Graph;
  readonly #abort = new AbortController();
  readonly #followed = new Map<string, Followed>();
  readonly #byKind = new Map<string, DiscoveredType>();
  #out: (uid: string) => void = () => undefined;
  /** Kinds whose first list has not come. */
  readonly #unlisted = new Set<string>();
  /** Uids held back until the first lists have come. */
  #held: Set<string> | undefined = new Set();

  constructor(world: World, graph: Graph) {
    this.#world = world;
    this.#graph = graph;
  }

  /** Uids to be looked at. Subscribing follows all kinds, unsubscribing ends that. */
  readonly uids$ = new Observable<string>((subscriber) => {
    this.#out = (uid) => subscriber.next(uid);
    const definitions = this.#world.follow(customResourceDefinitions, { metadataOnly: true });
    const changed = definitions.changes.subscribe(() => void this.#rediscover());
    const { clock } = this.#world;
    const late = clock.setTimeout(() => this.#release(), startMs + listMs);
    void this.#rediscover();
    return () => {
      clock.clearTimeout(late);
      this.#abort.abort();
      changed.unsubscribe();
      for (const { watching } of this.#followed.values()) watching.unsubscribe();
    };
  });

  /** The type that an owner reference means; undefined: the API serves no such kind (yet). */
  typeOf(apiVersion: string, kind: string): ResourceType | undefined {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    return this.#byKind.get(`${group}/${kind}`);
  }

  #tell(uid: string): void {
    if (this.#held === undefined) this.#out(uid);
    else this.#held.add(uid);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const uid of held) this.#out(uid);
  }

  #discovering = false;
  #again = false;

  /** One at a time; what changes meanwhile is looked up once more. */
  async #rediscover(): Promise<void> {
    this.#again = true;
    if (this.#discovering) return;
    this.#discovering = true;
    const { signal } = this.#abort;
    for (let failures = 0; this.#again && !signal.aborted; ) {
      this.#again = false;
      try {
        const isFirst = this.#byKind.size === 0 && failures === 0;
        await sleep(this.#world.clock, isFirst ? startMs : settleMs, signal);
        this.#adopt((await discover(this.#world.client, signal)).filter(isFollowed));
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        this.#again = true;
        failures += 1;
        this.#world.log.debug('discovery failed', { error });
        const { clock } = this.#world;
        await sleep(clock, backoffMs(connectBackoff, failures, clock.random()), signal);
      }
    }
    this.#discovering = false;
  }

  #adopt(types: readonly DiscoveredType[]): void {
    if (this.#abort.signal.aborted) return;
    const names = new Set(types.map(nameOf));
    this.#byKind.clear();
    for (const type of types) {
      this.#byKind.set(`${type.group}/${type.kind}`, type);
      if (!this.#followed.has(nameOf(type))) this.#follow(type);
    }
    if (this.#unlisted.size === 0) this.#release();
    for (const [name, { watching, uids }] of this.#followed) {
      if (names.has(name)) continue;
      watching.unsubscribe();
      this.#followed.delete(name);
      this.#unlisted.delete(name);
      for (const uid of [...uids]) this.#remove(uids, uid);
    }
  }

  /** What another controller holds in full is read from its cache; of the rest, metadata alone is asked for. */
  #follow(type: DiscoveredType): void {
    const uids = new Set<string>();
    const shared = this.#world.shared(type);
    const watching = new Subscription();
    this.#followed.set(nameOf(type), { uids, watching });
    if (shared === undefined) {
      const collection = this.#world.client.collection<ApiObject>(type);
      const { clock } = this.#world;
      this.#unlisted.add(nameOf(type));
      const events = watchCollection(collection, { clock, listOptions: { metadataOnly: true } });
      watching.add(events.subscribe((event) => this.#take(type, uids, event)));
      return;
    }
    for (const object of shared.all()) this.#apply(type, uids, object);
    watching.add(shared.changes.subscribe((change) => this.#change(type, uids, change)));
  }

  #take(type: ResourceType, uids: Set<string>, event: WatchEvent<ApiObject>): void {
    if (event.type === 'replaced') this.#replace(type, uids, event.objects);
    else if (event.type === 'applied') this.#apply(type, uids, event.object);
    else this.#remove(uids, event.object.metadata.uid ?? '');
  }

  #replace(type: ResourceType, uids: Set<string>, objects: readonly ApiObject[]): void {
    const gone = new Set(uids);
    for (const object of objects) gone.delete(object.metadata.uid ?? '');
    // First what is there, so that nothing looks as if its owner were gone.
    for (const object of objects) this.#apply(type, uids, object);
    for (const uid of gone) this.#remove(uids, uid);
    this.#unlisted.delete(nameOf(type));
    if (this.#unlisted.size === 0) this.#release();
  }

  #change(type: ResourceType, uids: Set<string>, { before, after }: Change<ApiObject>): void {
    const uid = before?.metadata.uid;
    if (uid !== undefined && uid !== after?.metadata.uid) this.#remove(uids, uid);
    if (after !== undefined) this.#apply(type, uids, after);
  }

  #apply(type: ResourceType, uids: Set<string>, object: ApiObject): void {
    uids.add(object.metadata.uid ?? '');
    for (const uid of this.#graph.apply(itemOf(type, object))) this.#tell(uid);
  }

  #remove(uids: Set<string>, uid: string): void {
    uids.delete(uid);
    for (const each of this.#graph.remove(uid)) this.#tell(each);
  }
}
