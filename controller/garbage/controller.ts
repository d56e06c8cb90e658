/** Deletes what nobody owns any more: dependents go with their owners, in the background, in the foreground, or stay. */
import { merge } from 'rxjs/internal/observable/merge';
import { Subject } from 'rxjs/internal/Subject';
import type { ApiObject, Collection } from '#api/client/collection.ts';
import type { OwnerReference, ResourceType } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { removeFinalizer } from '#controller/runtime/finalizer.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { refOf } from '#controller/runtime/write.ts';
import { Graph, type Item, isWaiting, itemOf, orphan } from './graph.ts';
import { Kinds } from './kinds.ts';
import { type Action, type OwnerState, plan } from './plan.ts';

/** Owners that were looked for and are gone for good: a uid never comes back. */
const absentMax = 1_000;

/** An owner reference whose kind the API does not serve says nothing: the owner may exist all the same. */
class UnknownKind extends Error {
  override readonly name = 'UnknownKind';
}

class Collector {
  readonly #world: World;
  readonly graph = new Graph();
  readonly kinds: Kinds;
  readonly #absent = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.kinds = new Kinds(world, this.graph);
  }

  async reconcile(uid: string, signal: AbortSignal): Promise<Outcome> {
    const known = this.graph.item(uid);
    if (known === undefined || !this.graph.needsLook(known)) return settled();
    const live = await this.#live(known, signal);
    if (live === undefined) return settled();
    const item = itemOf(known.type, live);
    const states = new Map<string, OwnerState>();
    if (!item.deleting) {
      for (const owner of item.owners) {
        states.set(owner.uid, await this.#stateOf(item, owner, signal));
      }
    }
    const dependents = this.graph.dependentsOf(uid);
    const action = plan(item, dependents, (owner) => states.get(owner.uid) ?? 'solid');
    return this.#perform(item, live, action, signal);
  }

  #collection(type: ResourceType): Collection<ApiObject> {
    return this.#world.client.collection(type);
  }

  /** The object as the server has it, if it is still the same one. */
  async #live({ type, namespace, name, uid }: Item, signal: AbortSignal) {
    const ref = namespace === undefined ? { name } : { name, namespace };
    try {
      const live = await this.#collection(type).get(ref, signal);
      return live.metadata.uid === uid ? live : undefined;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #stateOf(item: Item, owner: OwnerReference, signal: AbortSignal): Promise<OwnerState> {
    const { uid } = owner;
    if (this.graph.isPresent(uid)) {
      const held = this.graph.item(uid);
      return held !== undefined && isWaiting(held) ? 'waiting' : 'solid';
    }
    if (this.#absent.has(uid)) return 'absent';
    const type = this.kinds.typeOf(owner.apiVersion, owner.kind);
    if (type === undefined)
      throw new UnknownKind(`${owner.apiVersion} ${owner.kind} is not served`);
    // A cluster-wide object cannot have an owner in a namespace: whichever it means, it is not told.
    if (type.namespaced && item.namespace === undefined) return 'solid';
    const namespace = type.namespaced ? item.namespace : undefined;
    const live = await this.#live({ ...item, type, namespace, name: owner.name, uid }, signal);
    if (live !== undefined) return isWaiting(itemOf(type, live)) ? 'waiting' : 'solid';
    if (this.#absent.size >= absentMax) this.#absent.clear();
    this.#absent.add(uid);
    return 'absent';
  }

  async #perform(item: Item, live: ApiObject, action: Action, signal: AbortSignal) {
    const name = `${item.type.plural}/${item.name}`;
    const collection = this.#collection(item.type);
    switch (action.type) {
      case 'none':
        return settled();
      case 'delete':
        await this.#delete(live, collection, action.policy, signal);
        return settled(`delete ${name}`);
      case 'disown':
        await disown(collection, live, action.uids, signal);
        return settled(`disown ${name}`);
      case 'unblock':
        await unblock(collection, live, signal);
        await this.#delete(live, collection, 'Foreground', signal, 'any version');
        return settled(`unblock ${name}`);
      case 'await':
        for (const { uid, deleting } of action.dependents) if (!deleting) this.look(uid);
        return settled();
      case 'orphan':
        for (const dependent of action.dependents) await this.#orphan(dependent, item.uid, signal);
        await removeFinalizer(collection, live, orphan, signal);
        return settled(`orphan dependents of ${name}`);
      case 'release':
        await removeFinalizer(collection, live, action.finalizer, signal);
        return settled(`release ${name}`);
    }
  }

  /** Queues another item; set when the controller runs. */
  look: (uid: string) => void = () => undefined;

  async #orphan(dependent: Item, owner: string, signal: AbortSignal): Promise<void> {
    const live = await this.#live(dependent, signal);
    if (live === undefined) return;
    await disown(this.#collection(dependent.type), live, [owner], signal);
  }

  /** Deletes just what was looked at: the same object, in the same version. */
  async #delete(
    live: ApiObject,
    collection: Collection<ApiObject>,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
    signal: AbortSignal,
    which: 'this version' | 'any version' = 'this version',
  ): Promise<void> {
    const { uid = '', resourceVersion = '' } = live.metadata;
    const preconditions = which === 'any version' ? { uid } : { uid, resourceVersion };
    try {
      await collection.delete(refOf(live), { propagationPolicy, preconditions }, signal);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}

async function disown(
  collection: Collection<ApiObject>,
  live: ApiObject,
  uids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion, ownerReferences = [] } = live.metadata;
  const owners = ownerReferences.filter((owner) => !uids.includes(owner.uid));
  if (owners.length === ownerReferences.length) return;
  const left = owners.length === 0 ? null : owners;
  const patch = { metadata: { uid, resourceVersion, ownerReferences: left } };
  await collection.patch(refOf(live), patch, 'merge', signal);
}

async function unblock(
  collection: Collection<ApiObject>,
  live: ApiObject,
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion, ownerReferences = [] } = live.metadata;
  const owners = ownerReferences.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
  await collection.patch(refOf(live), patch, 'merge', signal);
}

export const garbageController: Controller = {
  name: 'garbage',
  run: (world) => {
    const collector = new Collector(world);
    const looks = new Subject<string>();
    collector.look = (uid) => looks.next(uid);
    const { clock } = world;
    const reconcile = (uid: string, signal: AbortSignal) => collector.reconcile(uid, signal);
    return reconcileKeys(merge(collector.kinds.uids$, looks), reconcile, {
      concurrency: 16,
      clock,
    });
  },
};
