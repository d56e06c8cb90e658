/**
 * The claims of a StatefulSet's pods, and who owns them: as the retention policy says, the set, the pod that is to go, or
 * nobody. The garbage collector deletes them with their owner. Pure. After statefulset/stateful_set_utils.go.
 */
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf, type OwnerReference, ownerReferenceTo } from '#api/resources/meta.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '#api/resources/types.ts';
import { claimsFor, isWithin, ordinalOf } from './identity.ts';

export type FindClaim = (name: string) => PersistentVolumeClaim | undefined;

const isReferenceTo = (reference: OwnerReference, owner: ApiObject): boolean =>
  reference.uid === owner.metadata.uid;

/** The owner that the policy gives the claim of this pod. */
function wantedOwner(set: StatefulSet, pod: Pod): ApiObject | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } =
    set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const condemned = !isWithin(set, ordinalOf(set, pod) ?? -1);
  if (condemned && whenScaled === 'Delete') return { ...pod, apiVersion: 'v1', kind: 'Pod' };
  return whenDeleted === 'Delete' ? set : undefined;
}

/** The references with the wanted owner and without the other of the two; undefined: they are so already. */
function owners(
  set: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
): OwnerReference[] | undefined {
  const held = claim.metadata.ownerReferences ?? [];
  const controller = controllerOf(claim);
  const foreign =
    controller !== undefined && !isReferenceTo(controller, set) && !isReferenceTo(controller, pod);
  // Somebody else's claim under our name is used, but never taken from them.
  if (foreign) return undefined;
  const wanted = wantedOwner(set, pod);
  const others = held.filter((one) => !isReferenceTo(one, set) && !isReferenceTo(one, pod));
  const present = wanted !== undefined && held.some((one) => isReferenceTo(one, wanted));
  const right = held.length - others.length === (wanted === undefined ? 0 : 1);
  if (right && present === (wanted !== undefined)) return undefined;
  return wanted === undefined ? others : [...others, ownerReferenceTo(wanted)];
}

/** Claims of the pod whose owners are to change, as they shall be. */
export function claimsToUpdate(set: StatefulSet, pod: Pod, find: FindClaim) {
  const ordinal = ordinalOf(set, pod) ?? -1;
  return claimsFor(set, ordinal).flatMap(({ metadata }) => {
    const claim = find(metadata.name);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return [];
    const ownerReferences = owners(set, pod, claim);
    if (ownerReferences === undefined) return [];
    return [{ ...claim, metadata: { ...claim.metadata, ownerReferences } }];
  });
}

/** Claims of the pod with this number that are missing. They belong to the set from the start, if it is to delete them. */
export function claimsToCreate(set: StatefulSet, ordinal: number, find: FindClaim) {
  const { whenDeleted } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const owned = whenDeleted === 'Delete' ? { ownerReferences: [ownerReferenceTo(set)] } : {};
  return claimsFor(set, ordinal)
    .filter(({ metadata }) => find(metadata.name) === undefined)
    .map((claim) => ({ ...claim, metadata: { ...claim.metadata, ...owned } }));
}

/**
 * Whether a claim of the pod to be made is about to go: with itself being deleted, or with an earlier pod of this name.
 * The new pod must not take it.
 */
export function hasStaleClaim(set: StatefulSet, ordinal: number, pod: Pod, find: FindClaim) {
  return claimsFor(set, ordinal).some(({ metadata }) => {
    const claim = find(metadata.name);
    if (claim === undefined) return false;
    if (claim.metadata.deletionTimestamp !== undefined) return true;
    return (claim.metadata.ownerReferences ?? []).some(
      ({ kind, name }) => kind === 'Pod' && name === pod.metadata.name,
    );
  });
}
