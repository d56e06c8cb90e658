/**
 * What the agent remembers of one pod. The truth is on disk (the runtime's records, the pod's directory, the API);
 * this is its picture in memory, rebuilt by `adopt` after a restart.
 */

import type { Pod, PodContainer, PodStatus, Probe } from '#api/resources/types.ts';
import type { ContainerRecord } from '#node-agent/container/runtime.ts';
import { Ahead } from './ahead.ts';
import { ContainerPulls } from './container-pulls.ts';
import type { Groundwork } from './groundwork.ts';
import type { Health } from './health.ts';
import { attemptOf, type PodIdentity } from './labels.ts';
import { lostAttempt } from './lost-attempt.ts';
import { Resizing } from './resizing.ts';
import { waitAfterFailure } from './restart.ts';
import { type Attempt, isAlive, type PodView, sandboxFailure, type Waiting } from './view.ts';
import type { Wish } from './wishes.ts';

type Failure = Parameters<typeof waitAfterFailure>[1];

interface ContainerMemory {
  attempts: Attempt[];
  waiting?: ReturnType<typeof waitAfterFailure>;
  stopping?: { deadline: number; killed: boolean };
  health?: Health;
}

export class PodState {
  identity: PodIdentity;
  sandboxId: string | undefined;
  /** The pod's address once the network is attached (the host's in the host's network). */
  ip: string | undefined;
  /** Where the volumes stand on the host, once they do and are followed in this life of the agent. */
  volumes: ReadonlyMap<string, string> = new Map();
  volumesReady = false;
  /** Anything a tear-down would have to take away. */
  standing = false;
  released = false;
  /** Why nothing of the pod runs, ever or any more. */
  refused: PodView['refused'];
  /** The status computed last: what the next one builds on. */
  status: PodStatus | undefined;
  wish: Wish | 'unknown' | undefined;
  /** How many operations hold its containers still. */
  holds = 0;
  limited: { asked: string; generation: number; problem?: string } | undefined;
  /** The health check of the image that an attempt runs. */
  imageProbe: { readonly id: string; readonly probe: Probe | undefined } | undefined;
  #heldUntil = 0;
  readonly pulls = new ContainerPulls();
  readonly ahead = new Ahead();
  readonly resizing = new Resizing();
  /** Plans the pod anew: something of it changed that no record shows. */
  wake: () => void = () => undefined;
  readonly #groundwork = new Map<string, Promise<Groundwork>>();
  readonly #acknowledgedAt: number;
  #recovered = false;
  #setUpWaiting: ReturnType<typeof waitAfterFailure> | undefined;
  readonly #containers = new Map<string, ContainerMemory>();

  constructor(identity: PodIdentity, now: number) {
    this.identity = identity;
    this.#acknowledgedAt = now;
  }

  /** Takes a record in: a new attempt, or an attempt's new state. */
  apply(record: ContainerRecord): void {
    const attempt = attemptOf(record);
    const memory = this.#memory(attempt.container);
    const index = memory.attempts.findIndex(({ id }) => id === attempt.id);
    const known = memory.attempts[index];
    if (known === undefined) {
      memory.attempts.push(attempt);
      memory.attempts.sort((a, b) => a.attempt - b.attempt);
    } else if (isAlive(known)) {
      memory.attempts[index] = { ...known, state: attempt.state };
    }
    if (!isAlive(memory.attempts.at(-1))) delete memory.stopping;
  }

  /** Adds what a record does not hold. */
  annotate(id: string, facts: Partial<Pick<Attempt, 'reason' | 'message' | 'superseded'>>): void {
    for (const memory of this.#containers.values()) {
      const index = memory.attempts.findIndex((attempt) => attempt.id === id);
      const known = memory.attempts[index];
      if (known !== undefined) memory.attempts[index] = { ...known, ...facts };
    }
  }

  /**
   * Containers that the API knows and this node does not (the machine was started anew, the runtime's state is gone):
   * their last attempt is taken from the status, so that restart counts never fall and what had ended stays ended.
   */
  recover(pod: Pod): void {
    if (this.#recovered) return;
    this.#recovered = true;
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    const { ephemeralContainerStatuses = [] } = pod.status ?? {};
    const told = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
    for (const status of told) {
      const memory = this.#memory(status.name);
      if (memory.attempts.length > 0 || status.containerID === undefined) continue;
      memory.attempts.push(lostAttempt(status, this.#acknowledgedAt));
    }
  }

  forget(container: string, id: string): void {
    const memory = this.#memory(container);
    memory.attempts = memory.attempts.filter((attempt) => attempt.id !== id);
  }

  attempts(container: string): readonly Attempt[] {
    return this.#containers.get(container)?.attempts ?? [];
  }

  allAttempts(): readonly Attempt[] {
    return [...this.#containers.values()].flatMap(({ attempts }) => attempts);
  }

  alive(container: string): Attempt | undefined {
    const attempt = this.attempts(container).at(-1);
    return isAlive(attempt) ? attempt : undefined;
  }

  /**
   * The health of a running attempt; made when it is asked for first. A container that an earlier life of the agent
   * reported ready or started stays so until its probes say otherwise.
   */
  health(container: PodContainer, id: string, pod: Pod): Health {
    const memory = this.#memory(container.name);
    if (memory.health?.id === id) return memory.health;
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    const told = [...initContainerStatuses, ...containerStatuses].find(
      ({ containerID }) => containerID?.endsWith(`//${id}`) === true,
    );
    const started = container.startupProbe === undefined || told?.started === true;
    const ready = container.readinessProbe === undefined || told?.ready === true;
    memory.health = { id, started, ready };
    return memory.health;
  }

  /** Notes what a probe or hook found; of an attempt that is not the latest it says nothing. */
  setHealth(container: string, id: string, found: Partial<Health>): void {
    const memory = this.#memory(container);
    if (memory.health?.id === id) memory.health = { ...memory.health, ...found };
  }

  /** A try to start failed before there was a container. */
  failed(container: string, failure: Failure, now: number): void {
    const memory = this.#memory(container);
    memory.waiting = waitAfterFailure(memory.waiting, failure, now);
  }

  /** Keeps what was begun early for a container's start; it is used once. */
  keepGroundwork(container: string, laid: Promise<Groundwork>): void {
    // Whoever takes it meets the failure.
    laid.catch(() => undefined);
    this.#groundwork.set(container, laid);
  }

  takeGroundwork(container: string): Promise<Groundwork> | undefined {
    const laid = this.#groundwork.get(container);
    this.#groundwork.delete(container);
    return laid;
  }

  /** Whether an earlier try to start the container failed. */
  isWaiting(container: string): boolean {
    return this.#containers.get(container)?.waiting !== undefined;
  }

  /** Nothing is frozen or let go on before that time. */
  holdWish(until: number): void {
    this.#heldUntil = until;
  }

  started(container: string): void {
    delete this.#memory(container).waiting;
  }

  setUpFailed(failure: Failure, now: number): void {
    this.#setUpWaiting = waitAfterFailure(this.#setUpWaiting, failure, now);
  }

  setUpDone(volumes: ReadonlyMap<string, string>): void {
    this.volumes = volumes;
    this.volumesReady = true;
    this.#setUpWaiting = undefined;
  }

  /** Something changed that may help (an image was loaded, a ConfigMap appeared): what waits, tries again at once. */
  retryNow(): void {
    const waiting = this.#setUpWaiting;
    if (waiting !== undefined) this.#setUpWaiting = { ...waiting, retryAt: 0 };
    for (const memory of this.#containers.values()) {
      if (memory.waiting !== undefined) memory.waiting = { ...memory.waiting, retryAt: 0 };
    }
  }

  /** Tries again at once if it waits for what another pod may have given back: an address. Gives whether it does. */
  retrySandbox(): boolean {
    const { reason, retryAt = 0 } = this.#setUpWaiting ?? {};
    if (reason !== sandboxFailure || retryAt === 0) return false;
    this.retryNow();
    this.wake();
    return true;
  }

  stopping(container: string, deadline: number): { readonly first: boolean } {
    const memory = this.#memory(container);
    const first = memory.stopping === undefined;
    memory.stopping = { deadline, killed: false };
    return { first };
  }

  killed(container: string): void {
    const memory = this.#memory(container);
    memory.stopping = { deadline: memory.stopping?.deadline ?? 0, killed: true };
  }

  view(pod: Pod | undefined, now: number): PodView {
    const waiting: Waiting | undefined = this.#setUpWaiting;
    return {
      uid: this.identity.uid,
      ...(pod === undefined ? {} : { pod }),
      now,
      acknowledgedAt: this.#acknowledgedAt,
      sandboxReady: this.sandboxId !== undefined && waiting?.reason !== sandboxFailure,
      ready: this.sandboxId !== undefined && this.volumesReady,
      standing: this.standing,
      released: this.released,
      ...(this.refused === undefined ? {} : { refused: this.refused }),
      ...(this.ip === undefined ? {} : { ip: this.ip }),
      ...(waiting === undefined ? {} : { setUpWaiting: waiting }),
      pulling: this.pulls.running(),
      prepared: this.ahead.tried,
      held: this.holds > 0 || this.#heldUntil > now,
      ...(this.wish === undefined ? {} : { wish: this.wish }),
      ...(this.limited === undefined ? {} : { limited: this.limited.asked, limits: this.limited }),
      resize: this.resizing.view(),
      containers: new Map([...this.#containers].map(([name, m]) => [name, { ...m }])),
    };
  }

  #memory(container: string): ContainerMemory {
    const memory = this.#containers.get(container) ?? { attempts: [] };
    this.#containers.set(container, memory);
    return memory;
  }
}
