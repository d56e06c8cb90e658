/** Revisions: which template came when, kept in annotations, so that `kubectl rollout history` and `undo` can tell. */
import type { Deployment, ReplicaSet } from '#api/resources/types.ts';
import { boundsOf } from './sizes.ts';

export const annotations = {
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
  /** `spec.replicas` when the ReplicaSet was sized. */
  desired: 'deployment.kubernetes.io/desired-replicas',
  /** The same and the surge. */
  max: 'deployment.kubernetes.io/max-replicas',
} as const;

const notCopied: readonly string[] = [
  ...Object.values(annotations),
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
];

type Annotations = Record<string, string>;

/** 0 if there is none. Kubernetes counts in 64 bits. */
function revisionOf({ metadata }: ReplicaSet): bigint {
  const revision = metadata.annotations?.[annotations.revision] ?? '';
  return /^\d+$/.test(revision) ? BigInt(revision) : 0n;
}

const byRevision = (a: ReplicaSet, b: ReplicaSet): number =>
  revisionOf(a) < revisionOf(b) ? -1 : 1;

/** What the newest ReplicaSet is annotated with: the Deployment's own annotations, its revision, its sizes. */
export function newestAnnotations(
  deployment: Deployment,
  newest: ReplicaSet,
  old: readonly ReplicaSet[],
): Annotations {
  const held = newest.metadata.annotations ?? {};
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([name]) => !notCopied.includes(name),
  );
  const next: Annotations = { ...held, ...Object.fromEntries(copied) };
  const last = old.toSorted(byRevision).at(-1);
  const revision = (last === undefined ? 0n : revisionOf(last)) + 1n;
  const before = held[annotations.revision];
  if (before === undefined || revisionOf(newest) < revision) {
    next[annotations.revision] = String(revision);
    const history = [held[annotations.history], before].filter((part) => part !== undefined);
    if (history.length > 0) next[annotations.history] = history.join(',');
  }
  return { ...next, ...sizeAnnotations(deployment) };
}

/** On every ReplicaSet that gets a size: what it was a share of. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const { replicas, maxSurge } = boundsOf(deployment);
  return {
    [annotations.desired]: String(replicas),
    [annotations.max]: String(replicas + maxSurge),
  };
}

/** Old ReplicaSets beyond the history limit, the lowest revisions first. */
export function forgotten(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const present = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = present.length - limit;
  if (surplus <= 0) return [];
  return present
    .toSorted(byRevision)
    .slice(0, surplus)
    .filter(
      ({ metadata, spec, status }) =>
        status?.replicas === 0 &&
        spec?.replicas === 0 &&
        (metadata.generation ?? 0) <= (status.observedGeneration ?? 0),
    );
}
