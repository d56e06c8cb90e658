/** The runtime of a node: containers under supervisors that outlive it. */

import { type Observable, Subject } from 'rxjs';
import { decodeStarted } from '#native/frames.ts';
import { runSteps } from '#native/spawn.ts';
import { adoptContainers } from './adopt.ts';
import { type Blueprint, Blueprints } from './blueprints.ts';
import { killCgroup, processesBelow, removeCgroupSteps } from './cgroup-files.ts';
import type { Resources } from './cgroup-resources.ts';
import { type ContainerStats, cgroupStats } from './cgroup-stats.ts';
import { type Hierarchies, readHierarchies } from './cgroups.ts';
import { Container, type ContainerEvents } from './container.ts';
import { reopenLog, signalContainer } from './control.ts';
import { Execution } from './execution.ts';
import { containerEvents } from './following.ts';
import { PreparedContainers, runPrepared } from './prepared.ts';
import { forgetSteps, type Places, placeSteps, placesOf, timeOf } from './records.ts';
import * as control from './resource-control.ts';
import { RunLock } from './run-lock.ts';
import type {
  AttachedSession,
  ContainerRecord,
  ContainerRuntime,
  ContainerSpec,
  ExecSpec,
  RuntimeOptions,
  SandboxSpec,
  Session,
} from './runtime.ts';
import { Sandboxes } from './sandboxes.ts';
import { attachSession } from './session.ts';
import { SpareSupervisor } from './spare-supervisor.ts';
import { startContainer } from './start.ts';
import { Work } from './work.ts';

/** Makes the runtime; `adopt` must be called first. */
export const createRuntime = (options: RuntimeOptions): ContainerRuntime =>
  new SupervisedRuntime(options);

class SupervisedRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #places: Places;
  readonly #containers = new Map<string, Container>();
  readonly #changes = new Subject<ContainerRecord>();
  readonly #spare: SpareSupervisor;
  #hierarchies: Hierarchies | undefined;
  #sandboxes: Sandboxes | undefined;
  readonly #events: ContainerEvents;
  readonly #blueprints: Blueprints;
  readonly #execution = new Execution((spec) => this.#blueprints.surroundings(spec));
  readonly #work = new Work();
  readonly #prepared = new PreparedContainers(() => this.#world.hierarchies);
  readonly #log: NonNullable<RuntimeOptions['log']>;
  #lock: RunLock | undefined;
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#log = options.log ?? (() => undefined);
    this.#places = placesOf(options.runDir);
    this.#blueprints = new Blueprints(this.#places, this.#log, () => this.#world);
    this.#events = containerEvents({
      log: this.#log,
      hierarchies: () => this.#world.hierarchies,
      isOpen: () => !this.#closed,
      counts: ({ spec }) => !this.#closed && this.#containers.has(spec.id),
      tell: ({ record }) => this.#changes.next(record),
      sharesPids: (sandboxId) => this.#world.sandboxes.sharesPids(sandboxId),
    });
    this.#spare = new SpareSupervisor(options.spares === true);
  }

  get changes(): Observable<ContainerRecord> {
    return this.#changes;
  }

  get #world(): { readonly hierarchies: Hierarchies; readonly sandboxes: Sandboxes } {
    if (this.#hierarchies === undefined || this.#sandboxes === undefined) {
      throw new Error('use the container runtime before adopt() has read what there is');
    }
    return { hierarchies: this.#hierarchies, sandboxes: this.#sandboxes };
  }

  async adopt() {
    const { runDir, cgroupRoot, spares = false } = this.#options;
    await runSteps(placeSteps(runDir));
    this.#lock = await RunLock.take(runDir);
    this.#hierarchies = await readHierarchies();
    this.#sandboxes = new Sandboxes(this.#places.sandboxes, cgroupRoot, this.#hierarchies, spares);
    const sandboxes = await this.#sandboxes.adopt();
    const adopted = await adoptContainers({
      place: this.#places.containers,
      hierarchies: this.#hierarchies,
      make: (facts) => new Container(facts, this.#events),
      isOpen: () => !this.#closed,
      log: this.#log,
    });
    for (const container of adopted) this.#containers.set(container.spec.id, container);
    this.#spare.prepare();
    return { sandboxes, containers: adopted.map(({ record }) => record) };
  }

  createSandbox(spec: SandboxSpec): Promise<void> {
    return this.#work.track(this.#world.sandboxes.create(spec));
  }

  removeSandbox(id: string): Promise<void> {
    return this.#work.track(this.#removeSandbox(id));
  }

  async #removeSandbox(id: string): Promise<void> {
    const inside = [...this.#containers.values()].filter(({ spec }) => spec.sandboxId === id);
    const alive = inside.filter(({ state }) => state.phase === 'running');
    await Promise.all(alive.map(({ spec }) => this.kill(spec.id)));
    await Promise.all(alive.map((container) => container.ended()));
    await this.#prepared.dropOf(id);
    await this.#world.sandboxes.remove(id);
  }

  start(spec: ContainerSpec): Promise<ContainerRecord> {
    return this.#work.track(this.#start(spec));
  }

  prepare(spec: ContainerSpec): Promise<void> {
    return this.#work.track(this.#prepare(spec));
  }

  async #prepare(spec: ContainerSpec): Promise<void> {
    await this.#prepared.add(this.#blueprint(spec));
    this.#spare.prepare();
  }

  #blueprint(spec: ContainerSpec): Blueprint {
    const { id } = spec;
    if (this.#containers.has(id) || this.#prepared.has(id))
      throw new Error(`container ${id} was started or prepared already`);
    return this.#blueprints.of(spec, this.#containers);
  }

  async #start(spec: ContainerSpec): Promise<ContainerRecord> {
    const ready = this.#prepared.take(spec.id);
    const blueprint = ready ?? this.#blueprint(spec);
    const container = new Container(blueprint, this.#events);
    this.#containers.set(spec.id, container);
    const result = await (ready === undefined
      ? startContainer({ ...blueprint, held: false })
      : runPrepared(ready));
    this.#spare.prepare();
    if (result.type === 'failed') {
      await runSteps(removeCgroupSteps(this.#world.hierarchies, container.cgroup));
      container.ends(result.exit);
      throw result.error;
    }
    const { pid, started } = decodeStarted(result.payload);
    const facts = { pid, startedAt: timeOf(started), child: result.supervisor };
    const record = container.runs(result.connection, facts);
    if (this.#closed) result.connection.close(); // The next life of the agent speaks with it.
    return record;
  }

  readonly get = (id: string) => this.#containers.get(id)?.record;

  #running(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`container ${id}: not known on this node`);
    return container;
  }

  async signal(id: string, signal: number): Promise<void> {
    await signalContainer(this.#world.hierarchies, this.#running(id), signal);
  }

  async reopenLog(id: string): Promise<void> {
    await reopenLog(this.#running(id));
  }

  async kill(id: string): Promise<void> {
    const container = this.#running(id);
    if (container.state.phase !== 'running') return;
    await killCgroup(this.#world.hierarchies, container.cgroup);
  }

  remove(id: string): Promise<void> {
    return this.#work.track(this.#remove(id));
  }

  async #remove(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) return this.#prepared.drop(id);
    if (container.state.phase === 'running') {
      await this.kill(id);
      await container.ended();
    }
    await container.supervisorEnded();
    // The record goes last: while it is there, a new agent finishes this.
    await runSteps([
      ...removeCgroupSteps(this.#world.hierarchies, container.cgroup),
      ...forgetSteps(container.directory),
    ]);
    this.#containers.delete(id);
  }

  removeLayer(layerDir: string): Promise<void> {
    return this.#work.track(runSteps([['remove', layerDir, '']]));
  }

  exec(id: string, spec: ExecSpec): Promise<Session> {
    return this.#execution.start(this.#running(id), spec);
  }

  attach(id: string, options: { readonly stdin: boolean }): Promise<AttachedSession> {
    return attachSession(this.#running(id), options);
  }

  async stats(id: string): Promise<ContainerStats> {
    return cgroupStats(this.#world.hierarchies, this.#running(id).cgroup);
  }

  processes(id: string): Promise<readonly number[]> {
    return processesBelow(this.#world.hierarchies, this.#running(id).cgroup);
  }

  async update(id: string, change: Resources) {
    await control.updateContainer(this.#world.hierarchies, this.#running(id), change);
  }

  readonly sandbox = (id: string) => this.#world.sandboxes.get(id);

  updateSandbox(id: string, change: Resources): Promise<void> {
    return this.#world.sandboxes.update(id, change);
  }

  readonly pause = async (id: string): Promise<void> =>
    control.pauseContainer(this.#world.hierarchies, this.#running(id));

  readonly resume = async (id: string): Promise<void> =>
    control.resumeContainer(this.#world.hierarchies, this.#running(id));

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#spare.close();
    this.#prepared.close();
    this.#sandboxes?.close();
    for (const container of this.#containers.values()) container.leave();
    this.#changes.complete();
    this.#work.whenIdle(() => this.#lock?.release());
  }
}
