/** One container as the agent sees it: its supervisor's connection and what is known of its state. */

import { decodeExited, encodeNumbers, type Frame, frame } from '#native/frames.ts';
import { reap } from '#native/spawn.ts';
import type { SupervisorConnection } from './connection.ts';
import { type ExitedPhase, exitedPhase } from './records.ts';
import type { ContainerPhase, ContainerRecord, ContainerSpec } from './runtime.ts';

export interface ContainerEvents {
  /** The state changed. */
  readonly changed: (container: Container) => void;
  /** The supervisor ended without having said how the container did. */
  readonly lost: (container: Container) => void;
  /** Its log has the size from which on it is rotated. */
  readonly logLarge: (container: Container) => void;
  /** An end as its supervisor told it, with what else is known of why. */
  readonly explain: (container: Container, exit: ExitedPhase) => Promise<ExitedPhase>;
}

export class Container {
  /** What was asked; its limits may be changed while it runs. */
  spec: ContainerSpec;
  /** Its state directory. */
  readonly directory: string;
  /** Its cgroup, below every hierarchy. */
  readonly cgroup: string;
  readonly #events: ContainerEvents;
  #state: ContainerPhase = { phase: 'created' };
  #connection: SupervisorConnection | undefined;
  #gone: Promise<void> = Promise.resolve();
  readonly #waiting: (() => void)[] = [];

  constructor(
    facts: { readonly spec: ContainerSpec; readonly directory: string; readonly cgroup: string },
    events: ContainerEvents,
  ) {
    this.spec = facts.spec;
    this.directory = facts.directory;
    this.cgroup = facts.cgroup;
    this.#events = events;
  }

  get state(): ContainerPhase {
    return this.#state;
  }

  get record(): ContainerRecord {
    return { spec: this.spec, state: this.#state };
  }

  /** The connection to the supervisor while there is one. */
  get connection(): SupervisorConnection | undefined {
    return this.#connection;
  }

  /** The program runs. `child`: the supervisor's process, if this agent started it and must take its status. */
  runs(
    connection: SupervisorConnection,
    facts: { readonly pid: number; readonly startedAt: string; readonly child?: number },
  ): void {
    this.#connection = connection;
    this.#state = { phase: 'running', pid: facts.pid, startedAt: facts.startedAt };
    this.#gone = new Promise((resolve) => {
      connection.listen({
        frame: (received) => this.#received(received),
        closed: () => {
          this.#connection = undefined;
          if (facts.child === undefined) resolve();
          else void reap(facts.child).then(resolve, resolve);
          if (this.#state.phase !== 'exited') this.#events.lost(this);
        },
      });
    });
    this.#events.changed(this);
  }

  /** Its processes stand still, or go on. */
  pauses(paused: boolean): void {
    if (this.#state.phase !== 'running') return;
    const { pid, startedAt } = this.#state;
    this.#state = { phase: 'running', pid, startedAt, ...(paused ? { paused } : {}) };
    this.#events.changed(this);
  }

  /** The container has ended; heard first, said once. */
  ends(exit: ExitedPhase): void {
    if (this.#state.phase === 'exited') return;
    this.#state = exit;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#events.changed(this);
  }

  /** Resolves once the container has ended. */
  ended(): Promise<void> {
    if (this.#state.phase === 'exited') return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves once the supervisor has ended, too. */
  supervisorEnded(): Promise<void> {
    return this.#gone;
  }

  #received(received: Frame): void {
    if (received.type === frame.logLarge) this.#events.logLarge(this);
    if (received.type !== frame.exited) return;
    const exit = exitedPhase(decodeExited(received.payload));
    if (!exit.oomKilled) this.#told(exit);
    else void this.#events.explain(this, exit).then((explained) => this.#told(explained));
  }

  #told(exit: ExitedPhase): void {
    this.ends(exit);
    // The supervisor keeps the exit until somebody knows it.
    this.#connection?.sendEncoded(encodeNumbers(frame.acknowledge));
  }
}
