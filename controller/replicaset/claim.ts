/** Which pods are a ReplicaSet's: those it controls and still selects; those nobody controls and it selects, it adopts. */
import { controllerOf } from '#api/resources/meta.ts';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';

export interface Claim {
  readonly own: readonly Pod[];
  /** Selected and without a controller: to get our owner reference. */
  readonly adopt: readonly Pod[];
  /** Controlled by us but no longer selected: to lose it. */
  readonly release: readonly Pod[];
}

/** Whether the pod has not ended and is not being deleted. */
export const isActive = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed';

/** Sorts out the pods of the ReplicaSet's namespace. */
export function claim(replicaSet: ReplicaSet, pods: Iterable<Pod>): Claim {
  const { uid, deletionTimestamp } = replicaSet.metadata;
  const selector = labelSelectorOf(replicaSet.spec?.selector);
  const own: Pod[] = [];
  const adopt: Pod[] = [];
  const release: Pod[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod);
    const selected = matchesLabels(selector, pod.metadata.labels);
    if (owner === undefined) {
      if (selected && isActive(pod) && deletionTimestamp === undefined) adopt.push(pod);
    } else if (owner.uid === uid) {
      if (selected) own.push(pod);
      else if (deletionTimestamp === undefined) release.push(pod);
    }
  }
  return { own, adopt, release };
}
