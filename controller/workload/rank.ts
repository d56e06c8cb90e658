/** Which pods go first when there are too many: Kubernetes' order (`ActivePodsWithRanks`, pkg/controller). */
import type { Pod } from '#api/resources/types.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { isReady } from './pod-state.ts';

const phases = ['Pending', 'Unknown', 'Running'];

const readySince = (pod: Pod): string =>
  conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime ?? '';

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost']);
  return Number.isInteger(cost) ? cost : 0;
}

const restarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));

/** The later of two instants goes first; an empty one is the latest. */
function laterFirst(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  return a > b ? -1 : 1;
}

/** The pods, the first to delete first. */
export function deletionOrder(pods: readonly Pod[]): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of pods) {
    const node = spec?.nodeName ?? '';
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const crowd = (pod: Pod) => onNode.get(pod.spec?.nodeName ?? '') ?? 0;
  const compare = (a: Pod, b: Pod): number =>
    Number(a.spec?.nodeName !== undefined) - Number(b.spec?.nodeName !== undefined) ||
    phases.indexOf(a.status?.phase ?? '') - phases.indexOf(b.status?.phase ?? '') ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    crowd(b) - crowd(a) ||
    laterFirst(readySince(a), readySince(b)) ||
    restarts(b) - restarts(a) ||
    laterFirst(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    (a.metadata.name < b.metadata.name ? -1 : 1);
  return pods.toSorted(compare);
}
