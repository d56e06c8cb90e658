/** One container's status as `kubectl describe pod` shows it. Pure. */
import type { ContainerState, ContainerStatus, Pod, PodContainer } from '#api/resources/types.ts';
import { hasStarted, isServing } from './health.ts';
import { restartAt } from './restart.ts';
import {
  type Attempt,
  type ContainerView,
  containerView,
  exitCodeOf,
  latest,
  type PodView,
  type Role,
  restarts,
} from './view.ts';

/** How container IDs are written in a status: `bayplan://<64 hex>`. */
export const runtimeName = 'bayplan';

/** The status of one container; `pending` is why a container that has no attempt yet waits. */
export function containerStatus(
  view: PodView,
  container: PodContainer,
  role: Role,
  pending: ContainerState,
): ContainerStatus {
  const known = containerView(view, container.name);
  const attempt = latest(known);
  const previous = known.attempts.at(-2);
  const state = stateOf(view, container, role, pending);
  const waitsAgain = state.waiting !== undefined && attempt?.state.phase === 'exited';
  const last = waitsAgain ? attempt : previous;
  const running = attempt?.state.phase === 'running';
  return {
    name: container.name,
    state,
    lastState: last === undefined ? {} : terminated(last),
    ready: isReady(known, container, role),
    ...(role === 'ephemeral' ? {} : { started: hasStarted(container, known) }),
    restartCount: attempt?.attempt ?? 0,
    image: container.image ?? '',
    imageID: attempt?.imageId ?? '',
    ...(attempt === undefined ? {} : { containerID: `${runtimeName}://${attempt.id}` }),
    ...resourcesOf(view, container, running && role !== 'ephemeral'),
  };
}

function isReady(known: ContainerView, container: PodContainer, role: Role): boolean {
  if (role === 'ephemeral') return false;
  const isWork = role === 'init' && container.restartPolicy !== 'Always';
  return isWork ? exitCodeOf(latest(known)) === 0 : isServing(container, known);
}

/** What it was promised, and what it has. */
function resourcesOf(
  view: PodView,
  container: PodContainer,
  running: boolean,
): Partial<ContainerStatus> {
  if (!running) return {};
  const requests = container.resources?.requests;
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: view.resize?.held.get(container.name) ?? container.resources ?? {},
  };
}

function stateOf(
  view: PodView,
  container: PodContainer,
  role: Role,
  pending: ContainerState,
): ContainerState {
  const known = containerView(view, container.name);
  const attempt = latest(known);
  if (attempt?.state.phase === 'running') {
    return { running: { startedAt: wholeSeconds(attempt.state.startedAt) } };
  }
  const waiting = waitingOf(known);
  if (attempt?.state.phase !== 'exited') return waiting ?? pending;
  if (view.pod === undefined || !isToRestart(view, view.pod, container, role, attempt)) {
    return terminated(attempt);
  }
  if (waiting !== undefined) return waiting;
  return restartAt(attempt) > view.now ? crashLoop(view.pod, attempt) : terminated(attempt);
}

function waitingOf({ waiting }: ContainerView): ContainerState | undefined {
  if (waiting === undefined) return undefined;
  const { reason, message } = waiting;
  return { waiting: message === undefined ? { reason } : { reason, message } };
}

function isToRestart(
  view: PodView,
  pod: Pod,
  container: PodContainer,
  role: Role,
  attempt: Attempt,
): boolean {
  if (pod.metadata.deletionTimestamp !== undefined || !view.ready) return false;
  return restarts(pod, container, attempt, role);
}

function crashLoop(pod: Pod, attempt: Attempt): ContainerState {
  const { name, namespace, uid } = pod.metadata;
  const delay = `${attempt.restartDelayMs / 1000}s`.replace(/^(\d+)s$/, (_, n) => duration(+n));
  const message = `back-off ${delay} restarting failed container=${attempt.container} pod=${name}_${namespace}(${uid})`;
  return { waiting: { reason: 'CrashLoopBackOff', message } };
}

/** Go's way to write seconds: `40s`, `1m20s`, `5m0s`. */
function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

/** An ended attempt as `state.terminated`; empty while it runs. */
export function terminated(attempt: Attempt): ContainerState {
  const { state, id, message } = attempt;
  if (state.phase !== 'exited') return {};
  return {
    terminated: {
      exitCode: state.exitCode,
      ...(state.signal === undefined ? {} : { signal: state.signal }),
      reason: reasonOf(attempt, state),
      ...(message === undefined || message === '' ? {} : { message }),
      startedAt: wholeSeconds(state.startedAt),
      finishedAt: wholeSeconds(state.finishedAt),
      containerID: `${runtimeName}://${id}`,
    },
  };
}

function reasonOf(
  attempt: Attempt,
  state: { readonly exitCode: number; readonly oomKilled: boolean },
): string {
  if (attempt.reason !== undefined) return attempt.reason;
  if (state.oomKilled) return 'OOMKilled';
  return state.exitCode === 0 ? 'Completed' : 'Error';
}

/** Kubernetes' `metav1.Time` has whole seconds. */
export function wholeSeconds(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
