/** What becomes of an object when its owners go. Pure. After pkg/controller/garbagecollector `attemptToDeleteItem`. */
import type { OwnerReference } from '#api/resources/meta.ts';
import { foreground, type Item, isOrphaning, isWaiting, orphan } from './graph.ts';

export type OwnerState =
  /** It exists and stays. */
  | 'solid'
  /** It does not exist. */
  | 'absent'
  /** It is being deleted in the foreground and waits for us. */
  | 'waiting';

export type Action =
  | { readonly type: 'none' }
  | { readonly type: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** Those owners are gone or going, others stay: the references to them go. */
  | { readonly type: 'disown'; readonly uids: readonly string[] }
  /** A circle of owners waits for itself: our references block no more, then we are deleted. */
  | { readonly type: 'unblock' }
  /** The object waits for these; they are looked at next. */
  | { readonly type: 'await'; readonly dependents: readonly Item[] }
  /** The dependents lose their references, then the object its finalizer. */
  | { readonly type: 'orphan'; readonly dependents: readonly Item[] }
  | { readonly type: 'release'; readonly finalizer: string };

const blocks = (item: Item, owner: string): boolean =>
  item.owners.some(({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion === true);

/**
 * `item` as it is on the server, its dependents as far as they are known, and what has become of each of its owners.
 */
export function plan(
  item: Item,
  dependents: readonly Item[],
  stateOf: (owner: OwnerReference) => OwnerState,
): Action {
  if (isOrphaning(item)) return { type: 'orphan', dependents };
  if (isWaiting(item)) {
    const blocking = dependents.filter((each) => blocks(each, item.uid));
    return blocking.length === 0
      ? { type: 'release', finalizer: foreground }
      : { type: 'await', dependents: blocking };
  }
  if (item.deleting || item.owners.length === 0) return { type: 'none' };
  const states = item.owners.map((owner) => ({ uid: owner.uid, state: stateOf(owner) }));
  if (states.some(({ state }) => state === 'solid')) {
    const uids = states.filter(({ state }) => state !== 'solid').map(({ uid }) => uid);
    return uids.length === 0 ? { type: 'none' } : { type: 'disown', uids };
  }
  if (states.some(({ state }) => state === 'waiting') && dependents.length > 0) {
    if (dependents.some(isWaiting)) return { type: 'unblock' };
    return { type: 'delete', policy: 'Foreground' };
  }
  return { type: 'delete', policy: policyOf(item) };
}

/** How it was once asked to be deleted, if it was. */
function policyOf({ finalizers }: Item): 'Background' | 'Foreground' | 'Orphan' {
  if (finalizers.includes(orphan)) return 'Orphan';
  return finalizers.includes(foreground) ? 'Foreground' : 'Background';
}
