/**
 * What a StatefulSet wants done: pods with numbers, each with its own name and claims, made and taken away in order.
 * Pure. After statefulset/stateful_set_control.go.
 */
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from '#api/resources/types.ts';
import { type Claim, claimed } from '#controller/workload/claim.ts';
import { forgottenRevisions, type History, historyOf } from '#controller/workload/history.ts';
import { untilAvailableMs } from '#controller/workload/pod-state.ts';
import { selectorOf } from '#controller/workload/selecting.ts';
import { claimsToCreate, claimsToUpdate, type FindClaim } from './claims.ts';
import { hasIdentity, isWithin, ordinalOf, revisionOf } from './identity.ts';
import { podsToUpdate } from './rolling.ts';
import { type Places, scaling } from './scaling.ts';
import { type Status, statefulSetStatus } from './status.ts';

export interface View {
  readonly set: StatefulSet;
  /** All of the namespace that the set controls or might adopt. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  readonly findClaim: FindClaim;
  readonly nowMs: number;
}

export interface Plan {
  readonly pods: Claim<Pod>;
  readonly revisions: Claim<ControllerRevision>;
  readonly history: History;
  readonly createClaims: readonly PersistentVolumeClaim[];
  readonly updateClaims: readonly PersistentVolumeClaim[];
  readonly create: readonly Pod[];
  /** Pods whose labels of identity are to be put back. */
  readonly identify: readonly Pod[];
  /** Ended pods, which are made again under their names. */
  readonly replace: readonly Pod[];
  readonly remove: readonly Pod[];
  readonly forget: readonly ControllerRevision[];
  readonly status: Status;
  /** When to look again although nothing has changed. */
  readonly againMs?: number;
}

const hashLabel = 'controller.kubernetes.io/hash';

export function plan(view: View): Plan {
  const { set, nowMs, findClaim } = view;
  const selector = selectorOf(set);
  const isMember = (pod: Pod) => ordinalOf(set, pod) !== undefined;
  const pods = claimed({ owner: set, selector, adoptable: isMember }, view.pods);
  const revisions = claimed({ owner: set, selector }, view.revisions);
  const history = historyOf(set, [...revisions.own, ...revisions.adopt], hashLabel);
  const places = placesOf(set, [...pods.own, ...pods.adopt], history);
  const members = [...places.held.values(), ...places.condemned];
  const status = statefulSetStatus(set, members, places, nowMs);
  const idle = {
    ...{ pods, revisions, history, status },
    ...{ createClaims: [], updateClaims: [], create: [], identify: [], replace: [], remove: [] },
    forget: [],
  };
  if (set.metadata.deletionTimestamp !== undefined) return idle;
  const scaled = scaling(set, places, findClaim, nowMs);
  const update = scaled.blocked ? [] : podsToUpdate(set, places, nowMs);
  const waitMs = untilAvailableMs(members, set.spec?.minReadySeconds ?? 0, nowMs);
  const againMs = least(waitMs, scaled.againMs);
  return {
    ...idle,
    createClaims: missingClaims(set, places, scaled.create, findClaim),
    updateClaims: members.flatMap((pod) => claimsToUpdate(set, pod, findClaim)),
    create: scaled.create,
    identify: members.filter((pod) => !hasIdentity(pod, ordinalOf(set, pod) ?? -1)),
    replace: scaled.replace,
    remove: [...scaled.remove, ...update],
    forget: forgottenRevisions(set, history.revisions, (one) => isLive(one, places, status)),
    ...(againMs === undefined ? {} : { againMs }),
  };
}

const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Who has which number; who has one that is not wanted any more, the highest first. */
function placesOf(set: StatefulSet, pods: readonly Pod[], history: History): Places {
  const held = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (isWithin(set, ordinal)) held.set(ordinal, pod);
    else condemned.push(pod);
  }
  const ordinal = (pod: Pod) => ordinalOf(set, pod) ?? -1;
  condemned.sort((a, b) => ordinal(b) - ordinal(a));
  const { currentRevision } = set.status ?? {};
  const { update, revisions } = history;
  const current = revisions.find(({ metadata }) => metadata.name === currentRevision) ?? update;
  return { held, condemned, current, update };
}

/** For pods that are made now, and for those that wait for a claim. */
function missingClaims(
  set: StatefulSet,
  { held }: Places,
  create: readonly Pod[],
  find: FindClaim,
): PersistentVolumeClaim[] {
  const pending = [...held.values()].filter(
    ({ metadata, status }) =>
      status?.phase === 'Pending' && metadata.deletionTimestamp === undefined,
  );
  return [...pending, ...create].flatMap((pod) =>
    claimsToCreate(set, ordinalOf(set, pod) ?? -1, find),
  );
}

function isLive(
  { metadata }: ControllerRevision,
  { held, condemned, current, update }: Places,
  { currentRevision }: Status,
): boolean {
  const { name } = metadata;
  if ([current.metadata.name, update.metadata.name, currentRevision].includes(name)) return true;
  return [...held.values(), ...condemned].some((pod) => revisionOf(pod) === name);
}
