/** Which PersistentVolume suits a claim: one place for the binder and for the scheduler, which must agree. Pure. */
import { keyOf } from '#api/resources/meta.ts';
import { compareQuantities } from '#api/resources/quantity.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Volume,
} from '#api/resources/types.ts';
import { meetsTerm } from './node-affinity.ts';

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The class that the claim asks for; `''`: a volume without a class. */
export const classOf = (object: PersistentVolumeClaim | PersistentVolume): string =>
  object.metadata.annotations?.[classAnnotation] ?? object.spec?.storageClassName ?? '';

/** The name of the claim behind the pod's volume, if there is one: named, or made for this pod. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/** Whether volume and claim name each other. */
export const isBound = (claim: PersistentVolumeClaim): boolean =>
  (claim.spec?.volumeName ?? '') !== '' &&
  claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;

/** Whether pods on the node can reach the volume. */
export function reachableFrom(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return required === undefined || required.nodeSelectorTerms.some((term) => meetsTerm(term, node));
}

/** Whether the volume is kept for this very claim; a reference without a uid is to whoever has the name. */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined) return false;
  const same = `${reference.namespace}/${reference.name}` === keyOf(claim);
  const uid = reference.uid ?? '';
  return same && (uid === '' || uid === claim.metadata.uid);
}

/** Whether the claim may have the volume: size, class, modes, labels. Its place is another question. */
export function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec } = claim;
  if (volume.metadata.deletionTimestamp !== undefined) return false;
  const modes = volume.spec?.accessModes ?? [];
  const asked = spec?.resources?.requests?.['storage'] ?? '0';
  return (
    (volume.spec?.volumeMode ?? 'Filesystem') === (spec?.volumeMode ?? 'Filesystem') &&
    compareQuantities(volume.spec?.capacity?.['storage'] ?? '0', asked) >= 0 &&
    (spec?.accessModes ?? []).every((mode) => modes.includes(mode)) &&
    classOf(volume) === classOf(claim) &&
    (spec?.selector === undefined ||
      matchesLabels(labelSelectorOf(spec.selector), volume.metadata.labels))
  );
}

/**
 * The volume for an unbound claim: one that is reserved for it, or the smallest free one that suits; `node`: it must be
 * reachable from there.
 */
export function volumeFor(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  node?: Node,
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (isReservedFor(volume, claim)) {
      if (suits(volume, claim) || claim.spec?.volumeName === volume.metadata.name) return volume;
      continue;
    }
    const free = volume.spec?.claimRef === undefined && volume.status?.phase === 'Available';
    if (!free || !suits(volume, claim)) continue;
    if (node !== undefined && !reachableFrom(volume, node)) continue;
    if (best === undefined || isSmaller(volume, best)) best = volume;
  }
  return best;
}

function isSmaller(a: PersistentVolume, b: PersistentVolume): boolean {
  const size = (volume: PersistentVolume) => volume.spec?.capacity?.['storage'] ?? '0';
  const order = compareQuantities(size(a), size(b));
  return order < 0 || (order === 0 && a.metadata.name < b.metadata.name);
}
