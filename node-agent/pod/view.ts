/**
 * What is known of one pod on this node at one moment: the input of `plan` and of `podStatus`. Plain values only, so
 * that both stay pure and are tested as tables.
 */

import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { ContainerPhase } from '#node-agent/container/runtime.ts';
import { type Health, hasStarted } from './health.ts';
import type { ResizeView } from './resizing.ts';
import type { Wish } from './wishes.ts';

/** One run of one container. Attempts count from 0; `restartCount` is the latest attempt's number. */
export interface Attempt {
  readonly id: string;
  readonly container: string;
  readonly attempt: number;
  /** How long to wait after this attempt's end before the next one. */
  readonly restartDelayMs: number;
  /** The image's ID as `imageID` shows it. */
  readonly imageId: string;
  readonly state: ContainerPhase;
  /** Why it ended, where the exit code alone does not say it: `StartError`, `ContainerStatusUnknown`. */
  readonly reason?: string;
  /** The termination message. */
  readonly message?: string;
  /** It is stopped for a resize, and started anew whatever its policy and its end. */
  readonly superseded?: true;
}

/** Why something cannot go on now, as `state.waiting` shows it. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
  /** Milliseconds since the epoch from which it is worth trying again. */
  readonly retryAt: number;
}

/** Why a try failed. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
}

/** The reason, in kubelet's words, when a pod gets no network or sandbox. */
export const sandboxFailure = 'FailedCreatePodSandBox';

/** A stop under way: the stop signal is sent (or the preStop hook runs), SIGKILL comes at `deadline`. */
export interface Stopping {
  readonly deadline: number;
  /** Set once SIGKILL was sent. */
  readonly killed: boolean;
}

export interface ContainerView {
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
  readonly waiting?: Waiting;
  readonly stopping?: Stopping;
  /** What its probes and hooks found; absent where it has none. */
  readonly health?: Health;
}

export interface PodView {
  readonly uid: string;
  /** Absent: the API has no such pod (any more). */
  readonly pod?: Pod;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When this node first heard of the pod. */
  readonly acknowledgedAt: number;
  /** Whether the sandbox and its network stand. */
  readonly sandboxReady: boolean;
  /** Whether containers may be started: sandbox, network and volumes stand. */
  readonly ready: boolean;
  /** Whether anything of the pod is left to take down: sandbox, address, volumes. */
  readonly standing: boolean;
  /** Whether the API has accepted the node's last word on the pod: delete with grace 0. */
  readonly released: boolean;
  readonly ip?: string;
  /** Why nothing of the pod runs, ever or, `evicted`, any more. */
  readonly refused?: {
    readonly reason: string;
    readonly message: string;
    readonly evicted?: { readonly graceSeconds: number };
  };
  /** Why set-up failed. */
  readonly setUpWaiting?: Waiting;
  readonly containers: ReadonlyMap<string, ContainerView>;
  /** Containers whose images are being pulled: their start waits for it. */
  readonly pulling?: ReadonlySet<string>;
  /** For which attempt each container was made beforehand, or could not be; absent: none is to be. */
  readonly prepared?: ReadonlyMap<string, number>;
  /** Of the Container document that the pod was made for; `unknown`: the API has not told it yet. */
  readonly wish?: Wish | 'unknown';
  /** An operation holds the containers still, or the last try to freeze them failed just now. */
  readonly held?: boolean;
  /** Which attempt was given the limits of which generation, and what came of it. */
  readonly limited?: string;
  readonly limits?: { readonly generation: number; readonly problem?: string };
  /** Resources that the pod was promised while it ran. */
  readonly resize?: ResizeView;
}

const nothing: ContainerView = { attempts: [] };

/** What is known of one container; an empty view where nothing is. */
export function containerView(view: PodView, name: string): ContainerView {
  return view.containers.get(name) ?? nothing;
}

/** The newest attempt. */
export function latest(view: ContainerView): Attempt | undefined {
  return view.attempts.at(-1);
}

/** Whether an attempt's process may exist. */
export function isAlive(attempt: Attempt | undefined): boolean {
  return attempt !== undefined && attempt.state.phase !== 'exited';
}

/** The names of those of which a process may exist. */
export function aliveContainers(view: PodView): string[] {
  const alive = [...view.containers].filter(([, container]) => isAlive(latest(container)));
  return alive.map(([name]) => name);
}

/** The latest attempt's exit code, where it has ended. */
export function exitCodeOf(attempt: Attempt | undefined): number | undefined {
  return attempt?.state.phase === 'exited' ? attempt.state.exitCode : undefined;
}

/** An init container that is restarted for the pod's whole life. */
export function isSidecar(container: PodContainer): boolean {
  return container.restartPolicy === 'Always';
}

/** In which of the pod's lists a container stands. */
export type Role = 'init' | 'app' | 'ephemeral';

/** Whether a container is to run again after that end (KEP-753 gives sidecars their own policy). */
export function restarts(
  pod: Pod,
  container: PodContainer,
  attempt: Attempt | undefined,
  role: Role,
): boolean {
  if (role === 'ephemeral') return false;
  if (attempt?.superseded === true) return true;
  const exitCode = exitCodeOf(attempt) ?? 0;
  if (role === 'init' && isSidecar(container)) return true;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  if (policy === 'OnFailure' || role === 'init') return exitCode !== 0;
  return true;
}

/** Whether every init container has done its work: all ended with 0, or an app container was started already. */
export function initialized(view: PodView): boolean {
  const spec = view.pod?.spec;
  if (spec === undefined) return false;
  if (spec.containers.some((c) => containerView(view, c.name).attempts.length > 0)) return true;
  return (spec.initContainers ?? []).every((c) => {
    const known = containerView(view, c.name);
    return isSidecar(c) ? hasStarted(c, known) : exitCodeOf(latest(known)) === 0;
  });
}

/** Whether the pod is over: nothing runs and no container will be started again. */
export function finished(view: PodView): boolean {
  const pod = view.pod;
  if (pod?.spec === undefined) return false;
  for (const container of pod.spec.initContainers ?? []) {
    const attempt = latest(containerView(view, container.name));
    const exitCode = exitCodeOf(attempt);
    if (isSidecar(container) || exitCode === undefined) continue;
    if (exitCode !== 0 && !restarts(pod, container, attempt, 'init')) return true;
  }
  return pod.spec.containers.every((container) => {
    const attempt = latest(containerView(view, container.name));
    return exitCodeOf(attempt) !== undefined && !restarts(pod, container, attempt, 'app');
  });
}
