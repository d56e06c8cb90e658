/** Pods that nobody will take away: what becomes of them. Pure. After pkg/controller/podgc. */
import type { Node, Pod } from '#api/resources/types.ts';
import { isTrue } from '#controller/runtime/conditions.ts';
import { hasEnded, isLeaving } from '#controller/workload/pod-state.ts';

/** A node that has just gone may come back: a pod's node must have been missing for this long. */
export const quarantineMs = 40_000;
/** More pods that have ended are not kept (kube-controller-manager's `--terminated-pod-gc-threshold`). */
export const endedMax = 12_500;

export interface View {
  readonly pod: Pod;
  readonly node: Node | undefined;
  /** Since when the pod's node is missing, by our own clock. */
  readonly missingSinceMs: number;
  readonly nowMs: number;
}

export type Action =
  | { readonly type: 'nothing' }
  | { readonly type: 'look'; readonly afterMs: number }
  /** `message`: said on the pod first, so that a Job can tell it from a failure. */
  | { readonly type: 'delete'; readonly message?: string };

const outOfService = 'node.kubernetes.io/out-of-service';

export function plan({ pod, node, missingSinceMs, nowMs }: View): Action {
  if ((pod.spec?.nodeName ?? '') === '') {
    // It has no agent that would end its grace.
    const waits = isLeaving(pod) && (pod.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    return waits ? { type: 'delete' } : { type: 'nothing' };
  }
  if (node === undefined) {
    const afterMs = missingSinceMs + quarantineMs - nowMs;
    if (afterMs > 0) return { type: 'look', afterMs };
    return { type: 'delete', message: 'PodGC: node no longer exists' };
  }
  const given =
    isLeaving(pod) &&
    !isTrue(node.status?.conditions, 'Ready') &&
    node.spec?.taints?.some(({ key }) => key === outOfService) === true;
  return given ? { type: 'delete', message: 'PodGC: node is out of service' } : { type: 'nothing' };
}

/** Of too many pods that have ended, those that are to go: evicted ones first, then the oldest. */
export function surplus(pods: readonly Pod[], most = endedMax): Pod[] {
  const ended = pods.filter((pod) => hasEnded(pod) && !isLeaving(pod));
  if (ended.length <= most) return [];
  const isEvicted = ({ status }: Pod) => status?.phase === 'Failed' && status.reason === 'Evicted';
  const order = (a: Pod, b: Pod) =>
    Number(isEvicted(b)) - Number(isEvicted(a)) ||
    (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
    a.metadata.name.localeCompare(b.metadata.name);
  return ended.sort(order).slice(0, ended.length - most);
}
