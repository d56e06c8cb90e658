/** Numbers of pods: what a Deployment allows, and sums over ReplicaSets. */
import type { Deployment, ReplicaSet } from '#api/resources/types.ts';
import { resolved } from '#controller/workload/share.ts';

export interface Bounds {
  readonly replicas: number;
  /** Pods above `replicas` while rolling. */
  readonly maxSurge: number;
  /** Pods below `replicas` that need not be available. */
  readonly maxUnavailable: number;
}

/** Surge rounds up, unavailability down; both zero would never move, so then one pod may be away (`ResolveFenceposts`). */
export function boundsOf(deployment: Deployment): Bounds {
  const { replicas = 1, strategy } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const rolling = strategy?.rollingUpdate;
  const maxSurge = resolved(rolling?.maxSurge ?? '25%', replicas, Math.ceil);
  const away = resolved(rolling?.maxUnavailable ?? '25%', replicas, Math.floor);
  const maxUnavailable = maxSurge === 0 && away === 0 ? 1 : Math.min(away, replicas);
  return { replicas, maxSurge, maxUnavailable };
}

export const sizeOf = (replicaSet: ReplicaSet): number => replicaSet.spec?.replicas ?? 1;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

export const totalSize = (sets: readonly ReplicaSet[]): number => sum(sets.map(sizeOf));

export const totalOf = (
  sets: readonly ReplicaSet[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas',
): number => sum(sets.map(({ status }) => status?.[field] ?? 0));

/** What each ReplicaSet is to have, by name; those that are not in it stay as they are. */
export type Sizes = ReadonlyMap<string, number>;

export const noSizes: Sizes = new Map();
