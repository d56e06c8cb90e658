/**
 * Who owns whom, by uid. Small on purpose: of most objects only the uid is kept; more only of those that have owners, or
 * that are being deleted and wait for their dependents.
 */
import type { ApiObject } from '#api/client/collection.ts';
import type { OwnerReference, ResourceType } from '#api/resources/meta.ts';

/** Deletion waits until all dependents that block it are gone. */
export const foreground = 'foregroundDeletion';
/** Deletion waits until no dependent refers to the object any more. */
export const orphan = 'orphan';

export interface Item {
  readonly uid: string;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

/** Whether the item is being deleted and waits for its dependents. */
export const isWaiting = ({ deleting, finalizers }: Item): boolean =>
  deleting && finalizers.includes(foreground);

export const isOrphaning = ({ deleting, finalizers }: Item): boolean =>
  deleting && finalizers.includes(orphan);

export function itemOf(type: ResourceType, { metadata }: ApiObject): Item {
  return {
    uid: metadata.uid ?? '',
    type,
    namespace: metadata.namespace,
    name: metadata.name,
    owners: metadata.ownerReferences ?? [],
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
  };
}

export class Graph {
  readonly #present = new Set<string>();
  readonly #items = new Map<string, Item>();
  /** Owner's uid → the uids of those that refer to it. */
  readonly #dependents = new Map<string, Set<string>>();

  /** How many objects are kept, and of how many more than the uid. */
  get size(): { readonly present: number; readonly items: number } {
    return { present: this.#present.size, items: this.#items.size };
  }

  isPresent(uid: string): boolean {
    return this.#present.has(uid);
  }

  item(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  dependentsOf(uid: string): Item[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((each) => this.#items.get(each) ?? []);
  }

  /** Takes an object as it is now; gives the uids of the items that are to be looked at. */
  apply(item: Item): string[] {
    const { uid } = item;
    const before = this.#items.get(uid);
    this.#present.add(uid);
    this.#unlink(before);
    if (item.owners.length > 0 || isWaiting(item) || isOrphaning(item)) {
      this.#items.set(uid, item);
      this.#link(item);
    } else this.#items.delete(uid);
    const left = (before?.owners ?? []).filter((owner) => !holds(item, owner));
    const formerOwners = left.map((owner) => owner.uid);
    return this.needsLook(item) ? [uid, ...formerOwners] : formerOwners;
  }

  /** Whether there may be anything to do for the item; a quick answer, from what is known here. */
  needsLook(item: Item): boolean {
    if (isWaiting(item) || isOrphaning(item)) return true;
    return item.owners.some(({ uid }) => {
      const owner = this.#items.get(uid);
      return !this.#present.has(uid) || (owner !== undefined && isWaiting(owner));
    });
  }

  /** The object is gone: its dependents may have to go, and owners may have waited for it. */
  remove(uid: string): string[] {
    const before = this.#items.get(uid);
    this.#present.delete(uid);
    this.#items.delete(uid);
    this.#unlink(before);
    const waiting = (before?.owners ?? []).map((owner) => owner.uid);
    return [...(this.#dependents.get(uid) ?? []), ...waiting];
  }

  #link({ uid, owners }: Item): void {
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents === undefined) this.#dependents.set(owner.uid, new Set([uid]));
      else dependents.add(uid);
    }
  }

  #unlink(item: Item | undefined): void {
    for (const owner of item?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(item?.uid ?? '');
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** Whether the item still refers to the owner, as strongly as before. */
const holds = (item: Item, { uid, blockOwnerDeletion }: OwnerReference): boolean =>
  item.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === blockOwnerDeletion);
