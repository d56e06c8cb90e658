/** Each node has the pods that it should have, whatever revision they are of. Pure. After daemon_controller.go `podsShouldBeOnNode`. */
import type { DaemonSet, Pod } from '#api/resources/types.ts';
import { revisionLabel } from '#controller/workload/history.ts';
import { hasEnded, isAvailable, isLeaving, isReady } from '#controller/workload/pod-state.ts';
import type { Place, View } from './plan.ts';
import { boundsOf } from './rolling.ts';

export interface Kept {
  readonly createOn: readonly string[];
  readonly remove: readonly Pod[];
  readonly ended: readonly Pod[];
  readonly againMs?: number;
}

export function keep(
  set: DaemonSet,
  places: readonly Place[],
  hash: string,
  { backoffMs, nowMs }: View,
): Kept {
  const createOn: string[] = [];
  const [remove, ended]: [Pod[], Pod[]] = [[], []];
  const waits: number[] = [];
  const surges = boundsOf(set, places).maxSurge > 0;
  for (const { node, shouldRun, mayStay, pods } of places) {
    const present = pods.filter((pod) => !isLeaving(pod));
    if (!mayStay) remove.push(...present);
    else if (shouldRun && pods.length === 0) createOn.push(node);
    else {
      const over = present.filter(hasEnded);
      const waitMs = over.some(({ status }) => status?.phase === 'Failed') ? backoffMs(node) : 0;
      if (waitMs > 0) waits.push(waitMs);
      else ended.push(...over);
      const alive = present.filter((pod) => !hasEnded(pod));
      remove.push(...(surges ? surgeSurplus(set, alive, hash, nowMs) : alive.slice(1)));
    }
  }
  remove.push(...ended);
  return {
    createOn,
    remove,
    ended,
    ...(waits.length === 0 ? {} : { againMs: Math.min(...waits) }),
  };
}

/** Two pods are on a node while it is updated: the oldest new one, and the oldest old one until it is not needed. */
function surgeSurplus(set: DaemonSet, alive: readonly Pod[], hash: string, nowMs: number): Pod[] {
  if (alive.length <= 1) return [];
  const isNew = (pod: Pod) => pod.metadata.labels?.[revisionLabel] === hash;
  const newest = alive.find(isNew);
  const old = alive.find((pod) => !isNew(pod));
  const surplus = alive.filter((pod) => pod !== newest && pod !== old);
  if (newest === undefined || old === undefined) return surplus;
  const replaced = isAvailable(newest, set.spec?.minReadySeconds ?? 0, nowMs);
  return !isReady(old) || replaced ? [...surplus, old] : surplus;
}
