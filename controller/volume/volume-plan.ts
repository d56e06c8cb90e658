/** What becomes of a volume: free, bound, released, and then what its policy says. Pure. */
import type { PersistentVolume, PersistentVolumeClaim } from '#api/resources/types.ts';
import { provisionedBy, provisioner } from './local-volume.ts';

/** On a volume or claim: we bound it, its user did not. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';

export type VolumePlan =
  | { readonly type: 'nothing' }
  | { readonly type: 'phase'; readonly phase: string; readonly message?: string }
  /** Its claim took another volume: it is free again. */
  | { readonly type: 'unbind' }
  /** Nobody has it any more. `remove`: what is in it goes, and the volume too. */
  | { readonly type: 'release'; readonly remove: boolean };

/** `claim`: the one that the volume's reference names, if it is there. */
export function volumePlan(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim | undefined,
): VolumePlan {
  const reference = volume.spec?.claimRef;
  const uid = reference?.uid ?? '';
  if (uid === '') return { type: 'phase', phase: 'Available' };
  if (claim?.metadata.uid !== uid) return releasePlan(volume);
  const taken = claim.spec?.volumeName ?? '';
  if (taken === volume.metadata.name) return { type: 'phase', phase: 'Bound' };
  // The claim's controller is about to bind it.
  if (taken === '') return { type: 'nothing' };
  const { annotations } = volume.metadata;
  if (annotations?.[provisionedBy] === provisioner) return releasePlan(volume);
  return annotations?.[boundByController] === undefined ? { type: 'nothing' } : { type: 'unbind' };
}

function releasePlan({ metadata, spec }: PersistentVolume): VolumePlan {
  const policy = spec?.persistentVolumeReclaimPolicy ?? 'Retain';
  const maker = metadata.annotations?.[provisionedBy];
  if (policy === 'Retain') return { type: 'release', remove: false };
  if (policy === 'Delete' && maker === provisioner) return { type: 'release', remove: true };
  // Whoever made it takes it away.
  if (policy === 'Delete' && maker !== undefined) return { type: 'release', remove: false };
  const message =
    policy === 'Delete'
      ? 'error getting deleter volume plugin for volume: no deletable volume plugin matched'
      : `reclaim policy ${policy} is not supported: use Retain or Delete`;
  return { type: 'phase', phase: 'Failed', message };
}
