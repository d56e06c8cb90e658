/** The runtime of a node: containers under supervisors that outlive it. */

import { type Observable, Subject } from 'rxjs';
import { decodeStarted } from '#native/frames.ts';
import { runSteps } from '#native/spawn.ts';
import { adoptContainers, lostExit } from './adopt.ts';
import { killCgroup, removeCgroupSteps } from './cgroup-files.ts';
import type { Resources } from './cgroup-resources.ts';
import { type ContainerStats, cgroupStats } from './cgroup-stats.ts';
import { type Hierarchies, readHierarchies } from './cgroups.ts';
import { Container } from './container.ts';
import { reopenLog, rotateContainerLog, signalContainer } from './control.ts';
import { gather } from './gather.ts';
import { type Places, placesOf, timeOf } from './records.ts';
import * as control from './resource-control.ts';
import type {
  ContainerRecord,
  ContainerRuntime,
  ContainerSpec,
  ExecSpec,
  RuntimeOptions,
  SandboxSpec,
  Session,
} from './runtime.ts';
import { Sandboxes } from './sandboxes.ts';
import { attachSession, execSession } from './session.ts';
import { startContainer } from './start.ts';
import type { Surroundings } from './surroundings.ts';
import { execProcess } from './wire-process.ts';

/** Makes the runtime; `adopt` must be called first. */
export const createRuntime = (options: RuntimeOptions): ContainerRuntime =>
  new SupervisedRuntime(options);

class SupervisedRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #places: Places;
  readonly #containers = new Map<string, Container>();
  readonly #changes = new Subject<ContainerRecord>();
  #hierarchies: Hierarchies | undefined;
  #sandboxes: Sandboxes | undefined;
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#places = placesOf(options.runDir);
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
    const { runDir, cgroupRoot } = this.#options;
    await runSteps([
      ['mkdir', runDir, '711'],
      ['mkdir', this.#places.containers, '700'],
    ]);
    this.#hierarchies = await readHierarchies();
    this.#sandboxes = new Sandboxes(this.#places.sandboxes, cgroupRoot, this.#hierarchies);
    const sandboxes = await this.#sandboxes.adopt();
    const adopted = await adoptContainers({
      place: this.#places.containers,
      hierarchies: this.#hierarchies,
      make: (facts) => this.#make(facts),
    });
    for (const container of adopted) this.#containers.set(container.spec.id, container);
    return { sandboxes, containers: adopted.map(({ record }) => record) };
  }

  #make(facts: ConstructorParameters<typeof Container>[0]): Container {
    return new Container(facts, {
      changed: (container) => this.#changed(container),
      lost: (container) => {
        if (!this.#closed) void this.#lost(container);
      },
      explain: (container, exit) => control.explainedExit(this.#world.hierarchies, container, exit),
      logLarge: (container) => {
        rotateContainerLog(container).catch((error: unknown) => {
          this.#options.log?.('log not rotated', { container: container.spec.id, error });
        });
      },
    });
  }

  #changed({ record, spec, cgroup, state }: Container): void {
    if (this.#closed || !this.#containers.has(spec.id)) return;
    this.#changes.next(record);
    const { hierarchies, sandboxes } = this.#world;
    // Without a pid namespace of its own, what the program left behind lives on.
    if (state.phase !== 'exited' || !sandboxes.sharesPids(spec.sandboxId)) return;
    void killCgroup(hierarchies, cgroup).catch((error: unknown) => {
      const { id } = spec;
      this.#options.log?.('processes of an ended container not killed', { container: id, error });
    });
  }

  async #lost(container: Container): Promise<void> {
    const seen = await lostExit(this.#world.hierarchies, container);
    if (seen.reason === 'Unknown') {
      this.#options.log?.('supervisor vanished', { container: container.spec.id });
    }
    container.ends(seen);
  }

  createSandbox(spec: SandboxSpec): Promise<void> {
    return this.#world.sandboxes.create(spec);
  }

  async removeSandbox(id: string): Promise<void> {
    const inside = [...this.#containers.values()].filter(({ spec }) => spec.sandboxId === id);
    const alive = inside.filter(({ state }) => state.phase === 'running');
    await Promise.all(alive.map(({ spec }) => this.kill(spec.id)));
    await Promise.all(alive.map((container) => container.ended()));
    await this.#world.sandboxes.remove(id);
  }

  #sandboxOf({ id, sandboxId }: ContainerSpec): SandboxSpec {
    const sandbox = this.#world.sandboxes.get(sandboxId);
    if (sandbox === undefined) {
      throw new Error(`container ${id}: there is no sandbox ${sandboxId} on this node`);
    }
    return sandbox;
  }

  #cgroupOf(spec: ContainerSpec): string {
    return `${this.#sandboxOf(spec).cgroupPath}/${spec.cgroupName}`;
  }

  #surroundings(spec: ContainerSpec): Promise<Surroundings> {
    const { hierarchies, sandboxes } = this.#world;
    const sandbox = this.#sandboxOf(spec);
    const directory = `${this.#places.containers}/${spec.id}`;
    const { log } = this.#options;
    const namespaces = sandboxes.paths(sandbox.id);
    const cgroup = this.#cgroupOf(spec);
    return gather({ spec, sandbox, hierarchies, namespaces, cgroup }, { directory, log });
  }

  async start(spec: ContainerSpec): Promise<ContainerRecord> {
    if (this.#containers.has(spec.id)) throw new Error(`container ${spec.id} was started already`);
    const directory = `${this.#places.containers}/${spec.id}`;
    const cgroup = this.#cgroupOf(spec);
    const container = this.#make({ spec, directory, cgroup });
    this.#containers.set(spec.id, container);
    const result = await startContainer(spec, directory, this.#surroundings(spec));
    if (result.type === 'failed') {
      await runSteps(removeCgroupSteps(this.#world.hierarchies, cgroup));
      container.ends(result.exit);
      throw result.error;
    }
    const { pid, started } = decodeStarted(result.payload);
    container.runs(result.connection, {
      pid,
      startedAt: timeOf(started),
      child: result.supervisor,
    });
    return container.record;
  }

  get(id: string): ContainerRecord | undefined {
    return this.#containers.get(id)?.record;
  }

  #running(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`container ${id}: not known on this node`);
    return container;
  }

  async signal(id: string, signal: number): Promise<void> {
    await signalContainer(this.#running(id), signal);
  }

  async reopenLog(id: string): Promise<void> {
    await reopenLog(this.#running(id));
  }

  async kill(id: string): Promise<void> {
    const container = this.#running(id);
    if (container.state.phase !== 'running') return;
    await killCgroup(this.#world.hierarchies, container.cgroup);
  }

  async remove(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    if (container.state.phase === 'running') {
      await this.kill(id);
      await container.ended();
    }
    await container.supervisorEnded();
    // The record goes last: while it is there, a new agent finishes this.
    await runSteps([
      ...removeCgroupSteps(this.#world.hierarchies, container.cgroup),
      ['remove', container.directory, ''],
    ]);
    this.#containers.delete(id);
  }

  removeLayer(layerDir: string): Promise<void> {
    return runSteps([['remove', layerDir, '']]);
  }

  async exec(id: string, spec: ExecSpec): Promise<Session> {
    const container = this.#running(id);
    const around = await this.#surroundings(container.spec);
    return execSession(container, execProcess(around, spec), spec);
  }

  attach(id: string, options: { readonly stdin: boolean }): Promise<Session> {
    return attachSession(this.#running(id), options);
  }

  async stats(id: string): Promise<ContainerStats> {
    return cgroupStats(this.#world.hierarchies, this.#running(id).cgroup);
  }

  async update(id: string, change: Resources) {
    await control.updateContainer(this.#world.hierarchies, this.#running(id), change);
  }

  updateSandbox(id: string, change: Resources): Promise<void> {
    return this.#world.sandboxes.update(id, change);
  }

  async pause(id: string): Promise<void> {
    await control.pauseContainer(this.#world.hierarchies, this.#running(id));
  }

  async resume(id: string): Promise<void> {
    await control.resumeContainer(this.#world.hierarchies, this.#running(id));
  }

  close(): void {
    this.#closed = true;
    for (const container of this.#containers.values()) container.connection?.close();
    this.#changes.complete();
  }
}
