/** Which numbered pods come and which go, before anything is updated. Pure. After statefulset/stateful_set_control.go. */
import type { Pod, StatefulSet } from '#api/resources/types.ts';
import { hasEnded, isLeaving } from '#controller/workload/pod-state.ts';
import { type FindClaim, hasStaleClaim } from './claims.ts';
import { isOrdered, newPod, ordinalOf, replicasOf, startOf } from './identity.ts';
import { isHealthy, isRunningAndAvailable, type Revisions } from './status.ts';

export interface Places extends Revisions {
  /** Pods by their number, of those that are wanted. */
  readonly held: ReadonlyMap<number, Pod>;
  /** Pods whose number is not wanted any more, the highest first. */
  readonly condemned: readonly Pod[];
}

export interface Scaling {
  readonly create: readonly Pod[];
  readonly replace: readonly Pod[];
  readonly remove: readonly Pod[];
  /** An ordered set waits for a pod: nothing that comes after may be done. */
  readonly blocked: boolean;
  readonly againMs?: number;
}

/** An ended pod is made again no sooner than this after it was made: what ends at once must not keep us busy. */
const replaceAfterMs = 1_000;

/** The revision of a pod that is made now: below the partition (or what was not rolled yet) the current one. */
function revisionFor(set: StatefulSet, ordinal: number, { current, update }: Revisions) {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return update;
  const kept = rollingUpdate?.partition ?? (rollingUpdate ? 0 : (set.status?.currentReplicas ?? 0));
  return ordinal < startOf(set) + kept ? current : update;
}

export function scaling(set: StatefulSet, places: Places, find: FindClaim, nowMs: number): Scaling {
  const ordered = isOrdered(set);
  const [create, replace]: [Pod[], Pod[]] = [[], []];
  let againMs: number | undefined;
  const result = (remove: Pod[], blocked: boolean): Scaling => ({
    ...{ create, replace, remove, blocked },
    ...(againMs === undefined ? {} : { againMs }),
  });
  const end = startOf(set) + replicasOf(set);
  for (let ordinal = startOf(set); ordinal < end; ordinal += 1) {
    const pod = places.held.get(ordinal);
    if (pod === undefined) {
      const fresh = newPod(set, ordinal, revisionFor(set, ordinal, places));
      if (!hasStaleClaim(set, ordinal, fresh, find)) create.push(fresh);
      if (ordered) return result([], true);
    } else if (hasEnded(pod)) {
      const waitMs = Date.parse(pod.metadata.creationTimestamp ?? '') + replaceAfterMs - nowMs;
      if (waitMs > 0) againMs = Math.min(againMs ?? waitMs, waitMs);
      else if (!isLeaving(pod)) replace.push(pod);
      if (ordered) return result([], true);
    } else if (ordered && (isLeaving(pod) || !isRunningAndAvailable(set, pod, nowMs))) {
      return result([], true);
    }
  }
  return condemn(set, places, nowMs, result);
}

/** The highest goes first; an ordered set waits until it has gone, and for pods below it that are not well. */
function condemn(
  set: StatefulSet,
  { condemned, held }: Places,
  nowMs: number,
  result: (remove: Pod[], blocked: boolean) => Scaling,
): Scaling {
  const present = condemned.filter((pod) => !isLeaving(pod));
  if (!isOrdered(set)) return result(present, false);
  const [highest] = condemned;
  if (highest === undefined) return result([], false);
  if (isLeaving(highest)) return result([], true);
  const unwell = firstUnhealthy(set, [...held.values(), ...condemned]);
  const may = isRunningAndAvailable(set, highest, nowMs) || highest === unwell;
  return result(may ? [highest] : [], true);
}

/** The lowest number that is not healthy. */
function firstUnhealthy(set: StatefulSet, pods: readonly Pod[]): Pod | undefined {
  const ordinal = (pod: Pod) => ordinalOf(set, pod) ?? -1;
  return pods.toSorted((a, b) => ordinal(a) - ordinal(b)).find((pod) => !isHealthy(pod));
}
