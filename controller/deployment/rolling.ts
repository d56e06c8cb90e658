/** RollingUpdate: new pods come and old ones go within the bounds. After pkg/controller/deployment/rolling.go. */
import type { ReplicaSet } from '#api/resources/types.ts';
import { type Bounds, type Sizes, sizeOf, totalOf, totalSize } from './sizes.ts';

/** How many pods the newest ReplicaSet may have now. */
export function newestSize(bounds: Bounds, newest: ReplicaSet, old: readonly ReplicaSet[]): number {
  const size = sizeOf(newest);
  if (size >= bounds.replicas) return bounds.replicas;
  const room = bounds.replicas + bounds.maxSurge - totalSize([newest, ...old]);
  return room <= 0 ? size : size + Math.min(room, bounds.replicas - size);
}

/** The next sizes; `old` is sorted, the oldest first. */
export function rollingSizes(
  bounds: Bounds,
  newest: ReplicaSet,
  old: readonly ReplicaSet[],
): Sizes {
  const size = newestSize(bounds, newest, old);
  const sizes = new Map([[newest.metadata.name, size]]);
  const minAvailable = bounds.replicas - bounds.maxUnavailable;
  const unavailable = Math.max(0, size - (newest.status?.availableReplicas ?? 0));
  const mayGo = size + totalSize(old) - minAvailable - unavailable;
  if (totalSize(old) === 0 || mayGo <= 0) return sizes;
  const left = shrinkUnhealthy(old, mayGo, sizes);
  const available = totalOf([newest, ...old], 'availableReplicas');
  shrink(old, Math.min(left, available - minAvailable), sizes);
  return sizes;
}

/** Pods of old ReplicaSets that are not available go first: nobody misses them. Gives how many may still go. */
function shrinkUnhealthy(
  old: readonly ReplicaSet[],
  mayGo: number,
  sizes: Map<string, number>,
): number {
  let left = mayGo;
  for (const set of old) {
    const unhealthy = Math.max(0, sizeOf(set) - (set.status?.availableReplicas ?? 0));
    const count = Math.min(left, unhealthy);
    left -= count;
    sizes.set(set.metadata.name, sizeOf(set) - count);
  }
  return left;
}

function shrink(old: readonly ReplicaSet[], mayGo: number, sizes: Map<string, number>): void {
  let left = Math.max(0, mayGo);
  for (const { metadata } of old) {
    const size = sizes.get(metadata.name) ?? 0;
    const count = Math.min(left, size);
    left -= count;
    sizes.set(metadata.name, size - count);
  }
}
