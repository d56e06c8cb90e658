/** What a Deployment wants done with its ReplicaSets. Pure. After pkg/controller/deployment (sync, rolling, recreate). */
import { equalJson } from '#api/resources/json.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/resources/types.ts';
import {
  foundConditions,
  isComplete,
  pausedConditions,
  untilLateMs,
  withProgress,
} from './progress.ts';
import { isScaling, scaledSizes } from './proportional.ts';
import { annotations, forgotten, newestAnnotations, sizeAnnotations } from './revision.ts';
import { newestSize, rollingSizes } from './rolling.ts';
import { boundsOf, noSizes, type Sizes, sizeOf } from './sizes.ts';
import { countedStatus, type Status } from './status.ts';
import { newestOf, newReplicaSet } from './template.ts';

export interface View {
  readonly deployment: Deployment;
  /** Its own ReplicaSets. */
  readonly replicaSets: readonly ReplicaSet[];
  /** The pods that a ReplicaSet controls. */
  readonly podsOf: (replicaSet: ReplicaSet) => readonly Pod[];
  readonly nowMs: number;
}

export interface Plan {
  /** The newest ReplicaSet, to be made. */
  readonly create?: ReplicaSet;
  /** ReplicaSets as they shall be: sizes and annotations. */
  readonly update: readonly ReplicaSet[];
  readonly remove: readonly ReplicaSet[];
  /** For the Deployment's own annotation. */
  readonly revision?: string;
  readonly status: Status;
  /** When to look again although nothing has changed: the progress deadline. */
  readonly againMs?: number;
}

interface Parts {
  readonly newest: ReplicaSet | undefined;
  /** The oldest first. */
  readonly old: readonly ReplicaSet[];
}

const byAge = (a: ReplicaSet, b: ReplicaSet): number => {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1;
};

export function plan(view: View): Plan {
  const { deployment, replicaSets, nowMs } = view;
  const sets = replicaSets.toSorted(byAge);
  const newest = newestOf(deployment, sets);
  const parts = { newest, old: sets.filter((set) => set !== newest) };
  if (deployment.metadata.deletionTimestamp !== undefined) {
    const held = deployment.status?.conditions ?? [];
    const status = countedStatus(deployment, newest, parts.old, held, nowMs);
    return { update: [], remove: [], status };
  }
  if (deployment.spec?.paused === true || isScaling(deployment, sets)) return resize(view, parts);
  return rollOut(view, parts);
}

/** Paused, or scaled: sizes change, but nothing new is begun. */
function resize(view: View, { newest, old }: Parts): Plan {
  const { deployment, nowMs } = view;
  const conditions = pausedConditions(deployment, nowMs);
  const sizes = scaledSizes(deployment, newest, old);
  return {
    update: updates(deployment, { newest, old }, sizes),
    remove: deployment.spec?.paused === true ? forgotten(deployment, old) : [],
    status: countedStatus(deployment, newest, old, conditions, nowMs),
    ...revision(newest),
  };
}

function rollOut(view: View, parts: Parts): Plan {
  const { deployment, nowMs } = view;
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  const { old } = parts;
  // Recreate makes nothing new while something old is left.
  const mayCreate = !recreate || !oldRemains(view, parts);
  const create = parts.newest === undefined && mayCreate ? created(deployment, old) : undefined;
  const newest = parts.newest ?? create;
  let conditions = pausedConditions(deployment, nowMs);
  if (newest !== undefined) {
    const isNew = create !== undefined;
    conditions = foundConditions(deployment, newest, isNew, conditions, nowMs);
  }
  const counted = countedStatus(deployment, newest, old, conditions, nowMs);
  const status = withProgress(deployment, counted, { newest, old }, nowMs);
  const sizes = recreate ? recreateSizes(view, parts) : rollingOf(deployment, parts);
  const lateMs = untilLateMs(deployment, status, nowMs);
  return {
    ...(create === undefined ? {} : { create }),
    update: updates(deployment, parts, sizes),
    remove: isComplete(deployment, status) ? forgotten(deployment, old) : [],
    status,
    ...revision(newest),
    // One second later, for times are told in whole seconds.
    ...(lateMs === undefined ? {} : { againMs: Math.max(0, lateMs) + 1_000 }),
  };
}

/** The newest ReplicaSet as it is to be made, already with the size that it may have. */
function created(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const newest = newReplicaSet(deployment);
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  const bounds = boundsOf(deployment);
  const replicas = recreate ? bounds.replicas : newestSize(bounds, newest, old);
  const metadata = {
    ...newest.metadata,
    annotations: newestAnnotations(deployment, newest, old),
  };
  return { ...newest, metadata, spec: { ...newest.spec, replicas } } as ReplicaSet;
}

const rollingOf = (deployment: Deployment, { newest, old }: Parts): Sizes =>
  newest === undefined ? noSizes : rollingSizes(boundsOf(deployment), newest, old);

function oldRemains({ podsOf }: View, { old }: Parts): boolean {
  const ended = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return old.some((set) => sizeOf(set) > 0 || podsOf(set).some((pod) => !ended(pod)));
}

function recreateSizes(view: View, parts: Parts): Sizes {
  const { newest, old } = parts;
  const sizes = new Map(old.map(({ metadata }) => [metadata.name, 0]));
  if (newest !== undefined && !oldRemains(view, parts)) {
    sizes.set(newest.metadata.name, boundsOf(view.deployment).replicas);
  }
  return sizes;
}

const revision = (newest: ReplicaSet | undefined): { readonly revision?: string } => {
  const held = newest?.metadata.annotations?.[annotations.revision];
  return held === undefined ? {} : { revision: held };
};

/** The ReplicaSets that are to be other than they are. */
function updates(deployment: Deployment, { newest, old }: Parts, sizes: Sizes): ReplicaSet[] {
  const next = old.map((set) => sized(deployment, set, sizes));
  if (newest !== undefined) next.push(annotated(deployment, sized(deployment, newest, sizes), old));
  const before = new Map([newest, ...old].map((set) => [set?.metadata.name, set]));
  return next.filter((set) => !equalJson(set, before.get(set.metadata.name)));
}

/** The newest ReplicaSet follows the Deployment in more than its size. */
function annotated(
  deployment: Deployment,
  set: ReplicaSet,
  old: readonly ReplicaSet[],
): ReplicaSet {
  const { minReadySeconds = 0 } = deployment.spec ?? {};
  const same = (set.spec?.minReadySeconds ?? 0) === minReadySeconds;
  return {
    ...set,
    metadata: { ...set.metadata, annotations: newestAnnotations(deployment, set, old) },
    spec: same ? set.spec : { ...set.spec, minReadySeconds },
  } as ReplicaSet;
}

function sized(deployment: Deployment, set: ReplicaSet, sizes: Sizes): ReplicaSet {
  const size = sizes.get(set.metadata.name) ?? sizeOf(set);
  const stays = size === sizeOf(set);
  // An old ReplicaSet without pods takes part in nothing: its annotations may age.
  if (stays && size === 0) return set;
  const metadata = {
    ...set.metadata,
    annotations: { ...set.metadata.annotations, ...sizeAnnotations(deployment) },
  };
  return { ...set, metadata, spec: { ...set.spec, replicas: size } } as ReplicaSet;
}
