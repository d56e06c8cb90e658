/**
 * What to do next for one pod: a pure function of what is wanted (the pod), what is there (the view) and the time.
 * Level-based: called again after every change and at `wakeAt`, it asks for nothing when the world is as it should be.
 */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { type StartFacts, startFacts, wantsAhead } from './ahead.ts';
import { hasStarted } from './health.ts';
import { resizeActions } from './plan-resize.ts';
import { earliest, stopAll } from './plan-stop.ts';
import { wishActions } from './plan-wish.ts';
import { restartAt } from './restart.ts';
import {
  type Attempt,
  aliveContainers,
  containerView,
  exitCodeOf,
  finished,
  isAlive,
  isSidecar,
  latest,
  type PodView,
  type Role,
  restarts,
} from './view.ts';

export type Action =
  /** Network, sandbox and volumes. */
  | { readonly type: 'set-up' }
  | ({ readonly type: 'start' } & StartFacts)
  /** preStop hook, then the stop signal; SIGKILL is a later `kill`. */
  | {
      readonly type: 'stop';
      readonly container: string;
      readonly graceMs: number;
      readonly why?: string;
    }
  | { readonly type: 'kill'; readonly container: string }
  /** Makes a container that may not run yet. */
  | ({ readonly type: 'prepare' } & StartFacts)
  /** Freeze, and let go on. */
  | { readonly type: 'pause' | 'resume'; readonly container: string }
  /** New limits; `asked`: which run is given those of which generation. */
  | { readonly type: 'limit'; readonly container: string; readonly asked: string }
  /** The resources that the pod was promised since, for its cgroup and for those of these containers. */
  | { readonly type: 'resize'; readonly containers: readonly string[] }
  /** Forgets an old attempt: its record, writable layer and log. */
  | { readonly type: 'forget'; readonly container: string; readonly id: string }
  /** Takes network, sandbox and volumes away; records and logs stay. */
  | { readonly type: 'tear-down' }
  /** Writes the last status, then deletes the pod from the API with grace 0. */
  | { readonly type: 'delete-pod' }
  /** The API has no such pod: records, layers, logs and directories go. */
  | { readonly type: 'erase' };

export interface Plan {
  readonly actions: readonly Action[];
  /** When to plan again though nothing changes, in milliseconds since the epoch. */
  readonly wakeAt?: number;
}

/** What a pod that vanished from the API gets: kubelet's shortest grace. */
const orphanGraceMs = 2_000;

/** Attempts whose records are kept per container: the latest and the one `logs --previous` shows. */
const attemptsKept = 2;

/** The next actions for one pod. */
export function plan(view: PodView): Plan {
  const { pod } = view;
  if (pod === undefined) return leave(view, orphanGraceMs, { type: 'erase' });
  if (pod.metadata.deletionTimestamp !== undefined) {
    return leave(view, graceOf(pod, view), view.released ? undefined : { type: 'delete-pod' });
  }
  const expiry = deadlineOf(pod);
  if (isOver(view) || expiry <= view.now || view.refused !== undefined)
    return leave(view, graceOf(pod, view), undefined);
  const running = run(view, pod);
  return Number.isFinite(expiry)
    ? { ...running, wakeAt: earliest(running.wakeAt, expiry) }
    : running;
}

/** When `activeDeadlineSeconds` ends the pod. */
export function deadlineOf(pod: Pod): number {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const startTime = pod.status?.startTime;
  if (seconds === undefined || startTime === undefined) return Number.POSITIVE_INFINITY;
  return Date.parse(startTime) + seconds * 1000;
}

/** A terminal phase never reverts, whatever the records say. */
function isOver(view: PodView): boolean {
  const phase = view.pod?.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' || finished(view);
}

/** A node that is short of something cannot wait; one that is about to be can, for so long. */
function graceOf(pod: Pod, view?: PodView): number {
  if (view?.refused?.evicted !== undefined) return view.refused.evicted.graceSeconds * 1000;
  const seconds =
    pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
  return seconds * 1000;
}

/** Stops what runs, then takes the pod down, then does `last`. */
function leave(view: PodView, graceMs: number, last: Action | undefined): Plan {
  const alive = aliveContainers(view);
  if (alive.length > 0) return stopAll(view, stoppable(view, alive), graceMs);
  const actions: Action[] = [];
  if (view.standing) actions.push({ type: 'tear-down' });
  if (last !== undefined) actions.push(last);
  return { actions };
}

/** Sidecars are stopped only when no other container is left. */
function stoppable(view: PodView, alive: readonly string[]): readonly string[] {
  const inits = view.pod?.spec?.initContainers ?? [];
  const sidecars = new Set(inits.filter(isSidecar).map((container) => container.name));
  const others = alive.filter((name) => !sidecars.has(name));
  return others.length > 0 ? others : alive;
}

/** Brings the pod up and keeps it up. */
function run(view: PodView, pod: Pod): Plan {
  if (!view.ready) {
    const retryAt = view.setUpWaiting?.retryAt ?? 0;
    return retryAt > view.now
      ? { actions: [], wakeAt: retryAt }
      : { actions: [{ type: 'set-up' }] };
  }
  const steps = new Steps(view, pod);
  if (steps.init())
    for (const container of pod.spec?.containers ?? []) steps.keep(container, 'app');
  // Once, and whatever the others do.
  for (const container of pod.spec?.ephemeralContainers ?? []) steps.keep(container, 'ephemeral');
  steps.forget();
  steps.cure();
  steps.resize();
  const { actions, ...later } = steps.plan();
  return { ...later, actions: [...actions, ...wishActions(view)] };
}

/** Gathers the actions of one round. */
class Steps {
  readonly #view: PodView;
  readonly #pod: Pod;
  readonly #actions: Action[] = [];
  #wakeAt: number | undefined;

  constructor(view: PodView, pod: Pod) {
    this.#view = view;
    this.#pod = pod;
  }

  plan(): Plan {
    const actions = this.#actions;
    return this.#wakeAt === undefined ? { actions } : { actions, wakeAt: this.#wakeAt };
  }

  /** Works through the init containers in order; true when the app containers may run. */
  init(): boolean {
    const spec = this.#pod.spec;
    const apps = spec?.containers ?? [];
    const past = apps.some((c) => containerView(this.#view, c.name).attempts.length > 0);
    for (const container of spec?.initContainers ?? []) {
      const attempt = latest(containerView(this.#view, container.name));
      if (isSidecar(container)) {
        this.keep(container, 'init');
        const known = containerView(this.#view, container.name);
        if (!past && !hasStarted(container, known)) return this.#wait(attempt);
      } else if (!past && exitCodeOf(attempt) !== 0) {
        this.keep(container, 'init');
        return this.#wait(attempt);
      }
    }
    return true;
  }

  /** Starts a container that should run and does not. */
  keep(container: PodContainer, role: Role): void {
    const view = containerView(this.#view, container.name);
    const attempt = latest(view);
    if (isAlive(attempt) || this.#view.pulling?.has(container.name) === true) return;
    const exitCode = exitCodeOf(attempt);
    if (exitCode !== undefined && !restarts(this.#pod, container, attempt, role)) return;
    const startAt = Math.max(
      attempt === undefined ? 0 : restartAt(attempt),
      view.waiting?.retryAt ?? 0,
    );
    if (startAt > this.#view.now) {
      this.#wakeAt = earliest(this.#wakeAt, startAt);
      this.#prepare(container);
      return;
    }
    this.#actions.push({ type: 'start', ...startFacts(container, attempt) });
  }

  /** False: the app containers may not run yet. While an init container works they are made. */
  #wait(init: Attempt | undefined): false {
    if (isAlive(init)) for (const app of this.#pod.spec?.containers ?? []) this.#prepare(app);
    return false;
  }

  #prepare(container: PodContainer): void {
    const facts = startFacts(container, latest(containerView(this.#view, container.name)));
    if (wantsAhead(this.#view, this.#pod, container, facts.attempt))
      this.#actions.push({ type: 'prepare', ...facts });
  }

  /** Stops what a probe or hook found beyond help; the restart policy says what comes then. */
  cure(): void {
    for (const [container, { attempts, health }] of this.#view.containers) {
      const attempt = attempts.at(-1);
      const ailment = health?.id === attempt?.id ? health?.ailment : undefined;
      if (ailment === undefined || !isAlive(attempt)) continue;
      const own = ailment.graceSeconds;
      const graceMs = own === undefined ? graceOf(this.#pod) : own * 1000;
      this.#stop(container, graceMs, ailment.message);
    }
  }

  /** Gives what runs its new limits, and stops what wants a new start for them. */
  resize(): void {
    for (const container of this.#view.resize?.restart ?? []) {
      const why = `Container ${container} resize requires restart`;
      this.#stop(container, graceOf(this.#pod), why);
    }
    this.#add(resizeActions(this.#view));
  }

  #stop(container: string, graceMs: number, why: string): void {
    const { actions, ...later } = stopAll(this.#view, [container], graceMs);
    const told = actions.map((one) => (one.type === 'stop' ? { ...one, why } : one));
    this.#add({ ...later, actions: told });
  }

  #add({ actions, wakeAt }: Plan): void {
    this.#actions.push(...actions);
    if (wakeAt !== undefined) this.#wakeAt = earliest(this.#wakeAt, wakeAt);
  }

  forget(): void {
    for (const [container, { attempts }] of this.#view.containers) {
      const old = attempts.slice(0, -attemptsKept);
      this.#actions.push(...old.map(({ id }) => ({ type: 'forget', container, id }) as const));
    }
  }
}
