/** One container as the agent sees it: its supervisor's connection and what is known of its state. */

import { decodeExited, encodeNumbers, type Frame, frame } from '#native/frames.ts';
import { reap } from '#native/spawn.ts';
import type { SupervisorConnection } from './connection.ts';
import { type ExitedPhase, exitedPhase } from './records.ts';
import type { ContainerPhase, ContainerRecord, ContainerSpec, MemoryKills } from './runtime.ts';

export interface ContainerEvents {
  /** The state changed. */
  readonly changed: (container: Container) => void;
  /** The supervisor ended without having said how the container did. */
  readonly lost: (container: Container) => void;
  /** Its log has the size from which on it is rotated. */
  readonly logLarge: (container: Container) => void;
  /** So many of its processes were killed for want of memory since its start. */
  readonly outOfMemory: (container: Container, kills: number) => void;
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
  #foreign: number | undefined;
  /** As far as it was heard of. */
  memoryKills: MemoryKills | undefined;
  #left = false;
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
    const kills = this.memoryKills === undefined ? {} : { memoryKills: this.memoryKills };
    return { spec: this.spec, state: this.#state, ...kills };
  }

  /** The connection to the supervisor while there is one. */
  get connection(): SupervisorConnection | undefined {
    return this.#connection;
  }

  /** The version its supervisor speaks, if this agent does not know it: there is no connection then. */
  get foreign(): number | undefined {
    return this.#foreign;
  }

  /** Its supervisor was started by an earlier agent and has not said yet whether the program runs. */
  holds(connection: SupervisorConnection): void {
    this.#connection = connection;
  }

  /** The program runs, under a supervisor that cannot be asked. */
  runsForeign(facts: {
    readonly version: number;
    readonly pid: number;
    readonly startedAt: string;
  }): void {
    this.#foreign = facts.version;
    this.#state = { phase: 'running', pid: facts.pid, startedAt: facts.startedAt };
    this.#events.changed(this);
  }

  /**
   * The program runs: gives that, though it may have ended meanwhile, which is told after it. `child`: the supervisor's
   * process, if this agent started it and must take its status.
   */
  runs(
    connection: SupervisorConnection,
    facts: { readonly pid: number; readonly startedAt: string; readonly child?: number },
  ): ContainerRecord {
    this.#connection = connection;
    this.#state = { phase: 'running', pid: facts.pid, startedAt: facts.startedAt };
    const { record } = this;
    this.#events.changed(this);
    this.#gone = new Promise((resolve) => {
      connection.listen({
        frame: (received) => this.#received(received),
        closed: () => {
          this.#connection = undefined;
          if (facts.child === undefined || this.#left) resolve();
          else void reap(facts.child).then(resolve, resolve);
          if (this.#state.phase !== 'exited') this.#events.lost(this);
        },
      });
    });
    return record;
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

  /** Stops following it. It goes on; to wait here for its supervisor's end would hold a thread until then. */
  leave(): void {
    this.#left = true;
    this.#connection?.close();
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
    if (received.type === frame.outOfMemory)
      this.#events.outOfMemory(this, received.payload.readUInt32LE(0));
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
