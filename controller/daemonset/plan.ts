/** What a DaemonSet wants done: one pod on each node that it fits, updated within bounds. Pure. After pkg/controller/daemon. */
import type { ControllerRevision, DaemonSet, Node, Pod } from '#api/resources/types.ts';
import { type Claim, claimed } from '#controller/workload/claim.ts';
import {
  forgottenRevisions,
  type History,
  historyOf,
  revisionLabel,
} from '#controller/workload/history.ts';
import { untilAvailableMs } from '#controller/workload/pod-state.ts';
import { freshNames, viewOf } from '#controller/workload/pod-template.ts';
import { selectorOf } from '#controller/workload/selecting.ts';
import { type Kept, keep } from './keep.ts';
import { fitting, hashOf, newPod, nodeOf } from './pod.ts';
import { roll } from './rolling.ts';
import { daemonSetStatus, type Status } from './status.ts';

export interface View {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** All of the namespace that the set controls or might adopt. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  /** How long a failed pod of the node stays before another is tried: 0, it may go. */
  readonly backoffMs: (node: string) => number;
  readonly nowMs: number;
}

/** A node and the set's pods on it. */
export interface Place {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
  /** The oldest first. */
  readonly pods: readonly Pod[];
}

export interface Plan {
  readonly pods: Claim<Pod>;
  readonly revisions: Claim<ControllerRevision>;
  readonly history: History;
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Of those that are removed, the ones that ended. */
  readonly ended: readonly Pod[];
  readonly forget: readonly ControllerRevision[];
  readonly status: Status;
  readonly againMs?: number;
}

/** More in one run would keep others waiting; the rest follows in the next (Kubernetes' `BurstReplicas`). */
const burst = 250;

export function plan(view: View): Plan {
  const { set, nowMs } = view;
  const selector = selectorOf(set);
  const pods = claimed({ owner: set, selector }, view.pods);
  const revisions = claimed({ owner: set, selector }, view.revisions);
  const history = historyOf(set, [...revisions.own, ...revisions.adopt], revisionLabel);
  const hash = hashOf(history.update);
  const own = [...pods.own, ...pods.adopt];
  const places = placesOf(set, view.nodes, own);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const status = daemonSetStatus(set, places, hash, nowMs);
  const idle = { pods, revisions, history, status, create: [], remove: [], ended: [], forget: [] };
  if (set.metadata.deletionTimestamp !== undefined) return idle;
  const kept = keep(set, places, hash, view);
  const next = isDone(kept) ? roll(set, places, hash, nowMs) : kept;
  const remove = [...next.remove, ...misplaced(view.nodes, own)].slice(0, burst);
  const waits = [kept.againMs, untilAvailableMs(own, minReadySeconds, nowMs)];
  const [againMs] = waits.filter((ms) => ms !== undefined).sort((a, b) => a - b);
  return {
    ...idle,
    create: newPods(view, history.update, next.createOn.slice(0, burst)),
    remove,
    ended: kept.ended,
    forget: forgottenRevisions(set, history.revisions, (one) => isLive(one, own, hash)),
    ...(againMs === undefined ? {} : { againMs }),
  };
}

/** An update waits until each node has what it should have. */
const isDone = ({ createOn, remove }: Kept): boolean => createOn.length + remove.length === 0;

const byAge = (a: Pod, b: Pod): number => {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1;
};

function placesOf(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): Place[] {
  const onNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    if (node === undefined) continue;
    const list = onNode.get(node);
    if (list === undefined) onNode.set(node, [pod]);
    else list.push(pod);
  }
  const fitOf = fitting(set);
  return nodes.map((node) => ({
    node: node.metadata.name,
    ...fitOf(node),
    pods: (onNode.get(node.metadata.name) ?? []).sort(byAge),
  }));
}

/** Pods that wait to be bound to a node that is not there any more. */
function misplaced(nodes: readonly Node[], pods: readonly Pod[]): Pod[] {
  const waiting = pods.filter(
    ({ metadata, spec }) =>
      metadata.deletionTimestamp === undefined && (spec?.nodeName ?? '') === '',
  );
  if (waiting.length === 0) return [];
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  return waiting.filter((pod) => !names.has(nodeOf(pod) ?? ''));
}

function newPods(view: View, revision: ControllerRevision, nodes: readonly string[]): Pod[] {
  const { set, pods } = view;
  const taken = pods.map(({ metadata }) => metadata.name);
  const nameOf = freshNames(viewOf(set), taken);
  return nodes.map((node) => newPod(set, revision, node, nameOf(`${set.metadata.name}-`)));
}

const isLive = (revision: ControllerRevision, pods: readonly Pod[], hash: string): boolean =>
  hashOf(revision) === hash ||
  pods.some(({ metadata }) => metadata.labels?.[revisionLabel] === hashOf(revision));
