/** What probes and hooks found of a running container, and what follows from it. Pure. */
import type { PodContainer, Probe } from '#api/resources/types.ts';
import type { ContainerView } from './view.ts';

/** Why a running container has to be stopped. */
export interface Ailment {
  /** The event's text. */
  readonly message: string;
  /** The probe's own grace; absent: the pod's. */
  readonly graceSeconds?: number;
}

/** Health of one attempt. */
export interface Health {
  /** The attempt's id. */
  readonly id: string;
  readonly started: boolean;
  readonly ready: boolean;
  /** Its readiness was asked so often in vain that it is not: before that nobody knows. */
  readonly failing?: boolean;
  /** The postStart hook runs. */
  readonly hooked?: boolean;
  readonly ailment?: Ailment;
}

/** How often a probe has said the same in a row, and what that makes of it. */
export interface Tally {
  readonly ok: boolean;
  readonly row: number;
  /** Absent until a threshold is reached for the first time. */
  readonly verdict?: boolean;
}

/** The tally after one more answer (pkg/kubelet/prober/worker.go). */
export function counted(probe: Probe, before: Tally | undefined, ok: boolean): Tally {
  const row = before?.ok === ok ? before.row + 1 : 1;
  const needed = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  if (row >= needed) return { ok, row, verdict: ok };
  return { ok, row, ...(before?.verdict === undefined ? {} : { verdict: before.verdict }) };
}

/** Whether the container runs and its startup probe and postStart hook are through. */
export function hasStarted(container: PodContainer, { attempts, health }: ContainerView): boolean {
  const attempt = attempts.at(-1);
  if (attempt?.state.phase !== 'running') return false;
  if (health?.id !== attempt.id) return container.startupProbe === undefined;
  return health.started && health.hooked !== true;
}

/** Whether a running container may be given work. */
export function isServing(container: PodContainer, view: ContainerView): boolean {
  if (!hasStarted(container, view)) return false;
  const { health, attempts } = view;
  if (health?.id !== attempts.at(-1)?.id) return container.readinessProbe === undefined;
  return health?.ready === true && health.ailment === undefined;
}
