/** Asks running containers how they are: one timer a probe, nothing between. */
import type { Pod, PodContainer, Probe } from '#api/resources/types.ts';
import { type Clock, systemClock, type Timer } from '#controller/runtime/clock.ts';
import { CommandFailure, type Handler, handle, type Place } from './handlers.ts';
import { counted, type Tally } from './health.ts';
import { type CheckResult, checkResult, noteCheck } from './health-log.ts';
import { keeperOf } from './kept-containers.ts';
import type { PodState } from './pod-state.ts';
import type { HealthProbe } from './wanted-pod.ts';
import type { World } from './world.ts';

type Kind = 'startup' | 'liveness' | 'readiness';

const kinds = ['startup', 'liveness', 'readiness'] as const;
const kubeletName = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

interface Round {
  readonly state: PodState;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly id: string;
  readonly kind: Kind;
  readonly probe: Probe;
}

interface Worker {
  round: Round;
  tally: Tally | undefined;
  timer: Timer;
  readonly abort: AbortController;
}

/** What one try came to: `problem` is why it did not go well. */
interface Answer {
  readonly problem?: string;
  readonly result: CheckResult;
}

export type Ask = (handler: Handler, place: Place, signal: AbortSignal) => Promise<string>;

type ProbedWorld = Pick<World, 'runtime' | 'events' | 'kept' | 'log'>;

export class Prober {
  readonly #world: ProbedWorld;
  readonly #clock: Clock;
  readonly #ask: Ask;
  /** By pod uid, then by attempt id and kind. */
  readonly #workers = new Map<string, Map<string, Worker>>();

  constructor(world: ProbedWorld, clock = systemClock, ask: Ask = handle) {
    this.#world = world;
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Brings the pod's probes to what runs and is wanted now; `pod` absent: none. */
  sync(state: PodState, pod: Pod | undefined): void {
    const { uid } = state.identity;
    const wanted = pod === undefined ? new Map<string, Round>() : roundsOf(state, pod);
    const workers = this.#workers.get(uid) ?? new Map<string, Worker>();
    for (const [key, worker] of workers) {
      const round = wanted.get(key);
      if (round === undefined) this.#end(workers, key, worker);
      else worker.round = round;
    }
    for (const [key, round] of wanted) {
      if (!workers.has(key)) workers.set(key, this.#begin(round));
    }
    if (workers.size === 0) this.#workers.delete(uid);
    else this.#workers.set(uid, workers);
  }

  close(): void {
    for (const workers of this.#workers.values()) {
      for (const [key, worker] of workers) this.#end(workers, key, worker);
    }
    this.#workers.clear();
  }

  #end(workers: Map<string, Worker>, key: string, worker: Worker): void {
    this.#clock.clearTimeout(worker.timer);
    worker.abort.abort();
    workers.delete(key);
  }

  #begin(round: Round): Worker {
    const { probe, state, container } = round;
    const worker: Worker = {
      round,
      tally: undefined,
      timer: undefined,
      abort: new AbortController(),
    };
    const { startedAt } = runningOf(state, container.name) ?? { startedAt: 0 };
    const dueAt = startedAt + (probe.initialDelaySeconds ?? 0) * 1000;
    const firstMs = Math.max(0, dueAt - this.#clock.now());
    worker.timer = this.#clock.setTimeout(() => void this.#probe(worker), firstMs);
    return worker;
  }

  async #probe(worker: Worker): Promise<void> {
    const { round } = worker;
    const { problem, result } = await this.#once(worker);
    if (worker.abort.signal.aborted) return;
    if (problem !== undefined) {
      const message = `${kubeletName[round.kind]} probe failed: ${problem}`;
      this.#world.events.warn(round.pod, 'Unhealthy', message, round.container.name);
    }
    const before = worker.tally?.verdict;
    const counts = problem === undefined || !isStarting(round, worker.tally, this.#clock.now());
    if (counts) worker.tally = counted(round.probe, worker.tally, problem === undefined);
    const after = worker.tally?.verdict;
    if (after !== undefined && after !== before) {
      conclude(round, after);
    }
    await this.#note(worker, result);
    if (worker.abort.signal.aborted) return;
    const periodMs = (round.probe.periodSeconds ?? 10) * 1000;
    worker.timer = this.#clock.setTimeout(() => void this.#probe(worker), periodMs);
  }

  async #once({ round, abort }: Worker): Promise<Answer> {
    const { probe, container, id, state } = round;
    const place = { runtime: this.#world.runtime, container, id, ip: state.ip ?? '' };
    const late = new AbortController();
    const timeoutSeconds = probe.timeoutSeconds ?? 1;
    const timer = this.#clock.setTimeout(() => late.abort(), timeoutSeconds * 1000);
    const start = this.#clock.now();
    const told = (exitCode: number, output: string) =>
      checkResult({ start, end: this.#clock.now(), exitCode, output });
    try {
      const said = await this.#ask(probe, place, AbortSignal.any([late.signal, abort.signal]));
      return { result: told(0, said) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failure = error instanceof CommandFailure ? error : { exitCode: -1, output: message };
      if (!late.signal.aborted) {
        return { problem: message, result: told(failure.exitCode, failure.output) };
      }
      const printed = error instanceof CommandFailure && error.output !== '' ? error.output : '';
      const why = `Health check exceeded timeout (${timeoutSeconds}s)`;
      const output = printed === '' ? why : `${why}: ${printed}`;
      return { problem: `timed out after ${timeoutSeconds}s`, result: told(-1, output) };
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  /** Keeps what a Container's health check has said lately. */
  async #note({ round, tally }: Worker, result: CheckResult): Promise<void> {
    const uid = round.kind === 'readiness' ? keeperOf(round.pod) : undefined;
    if (uid === undefined) return;
    const failingStreak = tally?.ok === false ? tally.row : 0;
    await noteCheck(this.#world.kept.dir(uid), result, failingStreak).catch((error: unknown) =>
      this.#world.log.warn('result of a health check not kept', { uid, error }),
    );
  }
}

/** Whether a Docker health check that has never been well is in its start period. */
function isStarting({ state, container, probe }: Round, tally: Tally | undefined, now: number) {
  const { startPeriodSeconds = 0 } = probe as HealthProbe;
  if (startPeriodSeconds === 0 || tally?.verdict === true) return false;
  const { startedAt } = runningOf(state, container.name) ?? { startedAt: 0 };
  return now < startedAt + startPeriodSeconds * 1000;
}

/** What a verdict means for the container. */
function conclude({ state, container, id, kind, probe }: Round, ok: boolean): void {
  const { name } = container;
  if (kind === 'readiness') state.setHealth(name, id, { ready: ok, failing: !ok });
  else if (ok && kind === 'startup') state.setHealth(name, id, { started: true });
  else if (!ok) {
    const grace = probe.terminationGracePeriodSeconds;
    const message = `Container ${name} failed ${kind} probe, will be restarted`;
    const ailment = { message, ...(grace === undefined ? {} : { graceSeconds: grace }) };
    state.setHealth(name, id, { ailment });
  }
  state.wake();
}

function runningOf(state: PodState, name: string) {
  const attempt = state.attempts(name).at(-1);
  // Nobody answers while frozen; it stays as it was found last.
  if (attempt?.state.phase !== 'running' || attempt.state.paused === true) return undefined;
  return { id: attempt.id, startedAt: Date.parse(attempt.state.startedAt) };
}

/** The probes that should be asked now. While a pod leaves, only readiness is. */
function roundsOf(state: PodState, pod: Pod): Map<string, Round> {
  const rounds = new Map<string, Round>();
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  for (const container of [...sidecars, ...(pod.spec?.containers ?? [])]) {
    const id = runningOf(state, container.name)?.id;
    if (id === undefined) continue;
    const health = state.health(container, id, pod);
    for (const kind of kinds) {
      const probe = container[`${kind}Probe`];
      const leaves = pod.metadata.deletionTimestamp !== undefined && kind !== 'readiness';
      if (probe === undefined || leaves || health.hooked === true) continue;
      if ((kind === 'startup') === health.started) continue;
      if (health.ailment !== undefined && kind !== 'readiness') continue;
      rounds.set(`${id} ${kind}`, { state, pod, container, id, kind, probe });
    }
  }
  return rounds;
}
