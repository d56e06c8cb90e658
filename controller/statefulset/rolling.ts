/** RollingUpdate: pods of old revisions go, the highest number first. Pure. After statefulset/stateful_set_control.go. */
import type { Pod, StatefulSet } from '#api/resources/types.ts';
import { isLeaving } from '#controller/workload/pod-state.ts';
import { resolved } from '#controller/workload/share.ts';
import { replicasOf, revisionOf, startOf } from './identity.ts';
import type { Places } from './scaling.ts';
import { isHealthy, isRunningAndAvailable } from './status.ts';

/** The pods to delete now, so that they are made again of the new revision. All others are as they should be. */
export function podsToUpdate(set: StatefulSet, places: Places, nowMs: number): Pod[] {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return [];
  const lowest = startOf(set) + (rollingUpdate?.partition ?? 0);
  const highestFirst = [...places.held].toSorted(([a], [b]) => b - a);
  const above = highestFirst.filter(([ordinal]) => ordinal >= lowest).map(([, pod]) => pod);
  const isOld = (pod: Pod) => revisionOf(pod) !== places.update.metadata.name && !isLeaving(pod);
  if (rollingUpdate?.maxUnavailable === undefined) return oneByOne(above, isOld);
  return several(set, places, above.filter(isOld), nowMs);
}

/** The highest old pod, if all above it are well again. */
function oneByOne(above: readonly Pod[], isOld: (pod: Pod) => boolean): Pod[] {
  for (const pod of above) {
    if (isOld(pod)) return [pod];
    if (!isHealthy(pod)) return [];
  }
  return [];
}

/** As many as may be away; nobody misses one that is away already. */
function several(set: StatefulSet, { held }: Places, old: readonly Pod[], nowMs: number): Pod[] {
  const replicas = replicasOf(set);
  const { maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const allowed = Math.max(1, resolved(maxUnavailable, replicas, Math.floor));
  const isAway = (pod: Pod) => isLeaving(pod) || !isRunningAndAvailable(set, pod, nowMs);
  let left = allowed - [...held.values()].filter(isAway).length - (replicas - held.size);
  return old.filter((pod) => {
    if (isAway(pod)) return true;
    left -= 1;
    return left >= 0;
  });
}
