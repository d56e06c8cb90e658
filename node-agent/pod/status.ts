/** The pod's status as the API shows it: a pure function of what is known. */
import type {
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '#api/resources/types.ts';
import { containerStatus, wholeSeconds } from './container-status.ts';
import { hasStarted } from './health.ts';
import { deadlineOf } from './plan.ts';
import { qosClass } from './resources.ts';
import { passing, resizeVerdicts } from './status-resize.ts';
import { wishVerdicts } from './status-wish.ts';
import {
  containerView,
  exitCodeOf,
  finished,
  initialized,
  isSidecar,
  latest,
  type PodView,
} from './view.ts';

export interface NodeFacts {
  /** The node's own addresses, first the one the API knows as InternalIP. */
  readonly hostIPs: readonly string[];
}

/**
 * What the next status builds on: the API's, with what this node wrote last laid over it, because the API's copy here
 * may be older than that. A terminal phase written by somebody else (an eviction) wins.
 */
export function statusBase(api: PodStatus | undefined, written: PodStatus | undefined): PodStatus {
  if (written === undefined) return api ?? {};
  const ours = new Set(written.conditions?.map(({ type }) => type));
  const others = (api?.conditions ?? []).filter(({ type }) => !ours.has(type));
  const ended = api?.phase === 'Succeeded' || api?.phase === 'Failed';
  return {
    ...api,
    ...written,
    ...(ended ? { phase: api.phase } : {}),
    ...(ended && api.reason !== undefined ? { reason: api.reason } : {}),
    conditions: [...(written.conditions ?? []), ...others],
  };
}

/** The status of a pod that the API still has. Keeps what others wrote: their conditions, nominatedNodeName. */
export function podStatus(view: PodView, pod: Pod, node: NodeFacts): PodStatus {
  const before: PodStatus = pod.status ?? {};
  const phase = phaseOf(view, pod);
  const statuses = containerStatuses(view, pod);
  const { ip } = view;
  const podIP = ip ?? before.podIP;
  const verdict = verdictOf(view, pod, phase);
  const generation = pod.metadata.generation;
  return {
    ...withoutVerdict(before),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: conditionsOf(view, pod, phase, statuses),
    ...verdict,
    hostIP: node.hostIPs[0] ?? '',
    hostIPs: node.hostIPs.map((address) => ({ ip: address })),
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: before.startTime ?? wholeSeconds(new Date(view.acknowledgedAt).toISOString()),
    ...statuses,
    qosClass: before.qosClass ?? qosClass(pod),
  };
}

function withoutVerdict(status: PodStatus): PodStatus {
  const { reason: _reason, message: _message, ...rest } = status;
  return rest;
}

/** Why the whole pod failed, where it is more than its containers' exit codes. */
function verdictOf(view: PodView, pod: Pod, phase: string): Partial<PodStatus> {
  const { reason, message } = pod.status ?? {};
  if (phase !== 'Failed') return {};
  if (view.refused !== undefined) {
    return { reason: view.refused.reason, message: view.refused.message };
  }
  if (deadlineOf(pod) <= view.now && !finished(view)) {
    return {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
  }
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function anyAlive(view: PodView): boolean {
  return [...view.containers.values()].some((container) => {
    const attempt = latest(container);
    return attempt !== undefined && attempt.state.phase !== 'exited';
  });
}

/** A terminal phase never reverts, and none is terminal while a container runs. */
function phaseOf(view: PodView, pod: Pod): string {
  const before = pod.status?.phase;
  if (before === 'Succeeded' || before === 'Failed') return before;
  const containers = pod.spec?.containers ?? [];
  const attempts = containers.map((container) => latest(containerView(view, container.name)));
  if (!anyAlive(view)) {
    if (view.refused !== undefined) return 'Failed';
    if (finished(view)) return attempts.every((a) => exitCodeOf(a) === 0) ? 'Succeeded' : 'Failed';
    if (deadlineOf(pod) <= view.now) return 'Failed';
    if (pod.metadata.deletionTimestamp !== undefined && attempts.some((a) => a !== undefined)) {
      return attempts.every((a) => exitCodeOf(a) === 0) ? 'Succeeded' : 'Failed';
    }
  }
  // A pod whose containers were started once stays Running through crashes and back-off.
  return attempts.length > 0 && attempts.every((attempt) => attempt !== undefined)
    ? 'Running'
    : 'Pending';
}

function containerStatuses(view: PodView, pod: Pod): Partial<PodStatus> {
  const spec = pod.spec;
  const inits = spec?.initContainers ?? [];
  const pendingReason =
    inits.length > 0 && !initialized(view) ? 'PodInitializing' : 'ContainerCreating';
  const pending: ContainerState = {
    waiting: {
      reason: pendingReason,
      ...(view.setUpWaiting === undefined ? {} : { message: view.setUpWaiting.message }),
    },
  };
  const initStatuses = inits.map((container) => containerStatus(view, container, 'init', pending));
  const statuses = (spec?.containers ?? []).map((c) => containerStatus(view, c, 'app', pending));
  const ephemeral = (spec?.ephemeralContainers ?? []).map((container) =>
    containerStatus(view, container, 'ephemeral', pending),
  );
  return {
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
  };
}

interface Verdict {
  readonly type: string;
  readonly ok: boolean | 'unknown';
  readonly reason?: string;
  readonly message?: string;
  /** Of another document than the pod. */
  readonly generation?: number;
}

function conditionsOf(
  view: PodView,
  pod: Pod,
  phase: string,
  statuses: Partial<PodStatus>,
): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const verdicts = [
    { type: 'PodReadyToStartContainers', ok: view.sandboxReady },
    initializedCondition(view, pod, phase),
    ...readiness(pod, phase, statuses.containerStatuses ?? []),
    { type: 'PodScheduled', ok: true },
    ...disruption(view),
    ...resizeVerdicts(view.resize),
    ...wishVerdicts(view, before),
  ];
  const ours = verdicts.map((verdict) => condition(view, pod, before, verdict));
  const types = new Set(ours.map(({ type }) => type));
  return [...ours, ...before.filter(({ type }) => !types.has(type) && !passing.has(type))];
}

/** What tells an eviction from a failure of the pod's own: policies of Jobs look for it. */
function disruption({ refused }: PodView): Verdict[] {
  if (refused?.evicted === undefined) return [];
  const { message } = refused;
  return [{ type: 'DisruptionTarget', ok: true, reason: 'TerminationByKubelet', message }];
}

/** Kubernetes' order of fields is not relied on; `lastTransitionTime` moves only when `status` does. */
function condition(
  view: PodView,
  pod: Pod,
  before: readonly PodCondition[],
  verdict: Verdict,
): PodCondition {
  const status = verdict.ok === 'unknown' ? 'Unknown' : verdict.ok ? 'True' : 'False';
  const old = before.find(({ type }) => type === verdict.type);
  const since = old?.status === status ? old.lastTransitionTime : undefined;
  const generation = verdict.generation ?? pod.metadata.generation;
  return {
    type: verdict.type,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status,
    lastTransitionTime: since ?? wholeSeconds(new Date(view.now).toISOString()),
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
  };
}

function initializedCondition(view: PodView, pod: Pod, phase: string): Verdict {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, ok: true, reason: 'PodCompleted' };
  const waiting = (pod.spec?.initContainers ?? []).filter((container) => {
    const known = containerView(view, container.name);
    return isSidecar(container) ? !hasStarted(container, known) : exitCodeOf(latest(known)) !== 0;
  });
  if (waiting.length === 0 || initialized(view)) return { type, ok: true };
  const names = waiting.map(({ name }) => name).join(' ');
  const message = `containers with incomplete status: [${names}]`;
  return { type, ok: false, reason: 'ContainersNotInitialized', message };
}

/** ContainersReady and Ready, worded as kubelet words them (pkg/kubelet/status/generate.go). */
function readiness(pod: Pod, phase: string, statuses: readonly ContainerStatus[]): Verdict[] {
  const containers = containersReady(phase, statuses);
  const ready = { ...containers, type: 'Ready' };
  if (!containers.ok) return [ready, containers];
  const gates = pod.spec?.readinessGates ?? [];
  const conditions = pod.status?.conditions ?? [];
  const closed = gates.filter(
    ({ conditionType }) => conditions.find((c) => c.type === conditionType)?.status !== 'True',
  );
  if (closed.length === 0) return [ready, containers];
  const message = closed
    .map(({ conditionType: gate }) =>
      conditions.some((c) => c.type === gate)
        ? `the status of pod readiness gate "${gate}" is not "True"`
        : `corresponding condition of pod readiness gate "${gate}" does not exist.`,
    )
    .join(', ');
  return [{ type: 'Ready', ok: false, reason: 'ReadinessGatesNotReady', message }, containers];
}

function containersReady(phase: string, statuses: readonly ContainerStatus[]): Verdict {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, ok: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, ok: false, reason: 'PodFailed' };
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { type, ok: true };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { type, ok: false, reason: 'ContainersNotReady', message };
}
