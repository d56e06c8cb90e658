/** Whether a claim or a volume is in use. Pure. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';

export const claimFinalizer = 'kubernetes.io/pvc-protection';
export const volumeFinalizer = 'kubernetes.io/pv-protection';

/** `namespace/name` of each claim that the pod mounts, those that are made for it too. */
export function claimsOf({ metadata, spec }: Pod): string[] {
  const { namespace = '', name } = metadata;
  return (spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) {
      return [`${namespace}/${volume.persistentVolumeClaim.claimName}`];
    }
    return volume.ephemeral === undefined ? [] : [`${namespace}/${name}-${volume.name}`];
  });
}

/** Pods without a node do not count: none starts any more with a claim that is being deleted. */
export function isClaimUsed(key: string, pods: Iterable<Pod>): boolean {
  for (const pod of pods) {
    if ((pod.spec?.nodeName ?? '') !== '' && claimsOf(pod).includes(key)) return true;
  }
  return false;
}

/** A volume is in use for as long as it is bound. */
export const isVolumeUsed = ({ status }: PersistentVolume): boolean => status?.phase === 'Bound';

export type Wanted = 'add' | 'remove' | undefined;

/** What is to be done with the finalizer. */
export function finalizerOf(
  { metadata }: PersistentVolume | PersistentVolumeClaim,
  finalizer: string,
  isUsed: () => boolean,
): Wanted {
  const held = metadata.finalizers?.includes(finalizer) ?? false;
  if (metadata.deletionTimestamp === undefined) return held ? undefined : 'add';
  return held && !isUsed() ? 'remove' : undefined;
}
