/** A Deployment scaled in the middle of a rollout: every ReplicaSet gets its share (deployment/sync.go `scale`). */
import type { Deployment, ReplicaSet } from '#api/resources/types.ts';
import { annotations } from './revision.ts';
import { boundsOf, noSizes, type Sizes, sizeOf, totalSize } from './sizes.ts';

/** Whether `spec.replicas` was changed since the ReplicaSets were sized. */
export function isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const { replicas } = boundsOf(deployment);
  return sets.some((set) => {
    const desired = set.metadata.annotations?.[annotations.desired];
    return sizeOf(set) > 0 && desired !== undefined && desired !== String(replicas);
  });
}

/** `old` is sorted, the oldest first. */
export function scaledSizes(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Sizes {
  const { replicas } = boundsOf(deployment);
  const all = newest === undefined ? old : [...old, newest];
  const active = all.filter((set) => sizeOf(set) > 0);
  const only = active.length === 0 ? all.at(-1) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return new Map([[only.metadata.name, replicas]]);
  if (active.length === 0) return noSizes;
  if (newest !== undefined && isSaturated(newest, replicas)) {
    return new Map(old.map(({ metadata }) => [metadata.name, 0]));
  }
  if (deployment.spec?.strategy?.type === 'Recreate') return noSizes;
  return shares(deployment, active);
}

const isSaturated = ({ spec, status, metadata }: ReplicaSet, replicas: number): boolean =>
  spec?.replicas === replicas &&
  metadata.annotations?.[annotations.desired] === String(replicas) &&
  status?.availableReplicas === replicas;

function shares(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const { replicas, maxSurge } = boundsOf(deployment);
  const toAdd = (replicas > 0 ? replicas + maxSurge : 0) - totalSize(active);
  const age = ({ metadata }: ReplicaSet) => metadata.creationTimestamp ?? '';
  const newerFirst = toAdd > 0 ? 1 : -1;
  const order = active.toSorted(
    (a, b) => sizeOf(b) - sizeOf(a) || (age(a) < age(b) ? newerFirst : -newerFirst),
  );
  const sizes = new Map<string, number>();
  let added = 0;
  for (const set of order) {
    const share = toAdd === 0 ? 0 : within(fraction(deployment, set), toAdd - added);
    added += share;
    sizes.set(set.metadata.name, sizeOf(set) + share);
  }
  const [largest] = order;
  if (largest !== undefined) {
    const size = (sizes.get(largest.metadata.name) ?? 0) + toAdd - added;
    sizes.set(largest.metadata.name, Math.max(0, size));
  }
  return sizes;
}

/** No further than what is left to add (or, if negative, to take away). */
const within = (share: number, left: number): number =>
  left > 0 ? Math.min(share, left) : Math.max(share, left);

/** How the ReplicaSet changes if it keeps its share of the whole. */
function fraction(deployment: Deployment, set: ReplicaSet): number {
  const { replicas, maxSurge } = boundsOf(deployment);
  const size = sizeOf(set);
  if (replicas === 0) return -size;
  const before = Number(set.metadata.annotations?.[annotations.max]);
  const whole =
    Number.isInteger(before) && before > 0 ? before : (deployment.status?.replicas ?? 0);
  if (whole === 0) return 0;
  return Math.round((size * (replicas + maxSurge)) / whole) - size;
}
