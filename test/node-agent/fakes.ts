/** The node's lower half in memory: a runtime that does what it is told. */
import { PassThrough } from 'node:stream';
import { type Observable, Subject } from 'rxjs';
import { mergeResources, type Resources } from '#node-agent/container/cgroup-resources.ts';
import type { ContainerStats } from '#node-agent/container/cgroup-stats.ts';
import type {
  AttachedSession,
  ContainerPhase,
  ContainerRecord,
  ContainerRuntime,
  ContainerSpec,
  ExecSpec,
  SandboxSpec,
  Session,
  StartError,
} from '#node-agent/container/runtime.ts';

type Running = Extract<ContainerPhase, { phase: 'running' }>;

const noStats: ContainerStats = {
  cpuNanos: 0,
  cpuUserNanos: 0,
  cpuSystemNanos: 0,
  throttledPeriods: 0,
  throttledNanos: 0,
  memoryBytes: 0,
  memoryUsageBytes: 0,
  memoryRssBytes: 0,
  memoryPeakBytes: 0,
  memoryLimitBytes: -1,
  swapBytes: 0,
  pageFaults: 0,
  majorPageFaults: 0,
  oomKills: 0,
  pids: 0,
  pidsLimit: -1,
  readBytes: 0,
  writtenBytes: 0,
  reads: 0,
  writes: 0,
};

/** Keeps sandboxes and containers over several agents, as the machine does. */
export class FakeRuntime implements ContainerRuntime {
  readonly sandboxes = new Map<string, SandboxSpec>();
  readonly containers = new Map<string, ContainerRecord>();
  readonly signals: { id: string; signal: number }[] = [];
  readonly started: ContainerSpec[] = [];
  readonly removedLayers: string[] = [];
  /** Signals that end a container; others are ignored by it. */
  endsOn = new Set([15, 9]);
  startFailure: ((spec: ContainerSpec) => StartError | undefined) | undefined;
  execSession: ((spec: ExecSpec) => Session) | undefined;
  #changes = new Subject<ContainerRecord>();
  #pid = 1000;

  get changes(): Observable<ContainerRecord> {
    return this.#changes;
  }

  async adopt() {
    return { sandboxes: [...this.sandboxes.values()], containers: [...this.containers.values()] };
  }

  async createSandbox(spec: SandboxSpec): Promise<void> {
    this.sandboxes.set(spec.id, spec);
  }

  async removeSandbox(id: string): Promise<void> {
    for (const record of this.containers.values()) {
      if (record.spec.sandboxId === id && record.state.phase === 'running')
        this.exit(record.spec.id, 137);
    }
    this.sandboxes.delete(id);
    this.prepared.clear();
  }

  /** Ids of what stands ready to be started. */
  readonly prepared = new Set<string>();
  readonly startedReady: string[] = [];

  async prepare(spec: ContainerSpec): Promise<void> {
    const failure = this.startFailure?.(spec);
    if (failure !== undefined) throw failure;
    this.prepared.add(spec.id);
  }

  async start(spec: ContainerSpec): Promise<ContainerRecord> {
    if (!this.sandboxes.has(spec.sandboxId)) throw new Error(`no sandbox ${spec.sandboxId}`);
    this.started.push(spec);
    if (this.prepared.delete(spec.id)) this.startedReady.push(spec.id);
    const now = new Date().toISOString();
    const failure = this.startFailure?.(spec);
    if (failure !== undefined) {
      const exitCode = failure.exitCode;
      const times = { startedAt: now, finishedAt: now };
      this.#set(spec, { phase: 'exited', exitCode, oomKilled: false, ...times });
      throw failure;
    }
    this.#pid += 1;
    return this.#set(spec, { phase: 'running', pid: this.#pid, startedAt: now });
  }

  get(id: string): ContainerRecord | undefined {
    return this.containers.get(id);
  }

  async signal(id: string, signal: number): Promise<void> {
    this.signals.push({ id, signal });
    if (this.endsOn.has(signal)) this.exit(id, 128 + signal, signal);
  }

  async kill(id: string): Promise<void> {
    this.signals.push({ id, signal: 9 });
    this.exit(id, 137, 9);
  }

  /** The container's process ends by itself; a message: the kernel killed it for its memory. */
  exit(id: string, exitCode: number, signal?: number, message?: string): void {
    const record = this.containers.get(id);
    if (record?.state.phase !== 'running') return;
    const { startedAt } = record.state as Running;
    this.#set(record.spec, {
      phase: 'exited',
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      ...(message === undefined ? {} : { message }),
      oomKilled: message !== undefined,
      startedAt,
      finishedAt: new Date().toISOString(),
    });
  }

  async remove(id: string): Promise<void> {
    this.containers.delete(id);
    this.prepared.delete(id);
  }

  async removeLayer(layerDir: string): Promise<void> {
    this.removedLayers.push(layerDir);
  }

  async exec(_id: string, spec: ExecSpec): Promise<Session> {
    return this.execSession?.(spec) ?? echoSession(spec);
  }

  async attach(_id: string, { stdin }: { readonly stdin: boolean }): Promise<AttachedSession> {
    return { ...echoSession({ args: ['cat'], tty: false, stdin }), loggedBytes: 0 };
  }

  async processes(): Promise<readonly number[]> {
    return [];
  }

  async stats(): Promise<ContainerStats> {
    return { ...noStats, cpuNanos: 5, memoryBytes: 4096, memoryUsageBytes: 4096, pids: 1 };
  }

  async update(id: string, change: Resources): Promise<void> {
    const record = this.containers.get(id);
    if (record === undefined) throw new Error(`no container ${id}`);
    const resources = mergeResources(record.spec.resources, change);
    this.containers.set(id, { ...record, spec: { ...record.spec, resources } });
  }

  sandbox(id: string): SandboxSpec | undefined {
    return this.sandboxes.get(id);
  }

  async updateSandbox(id: string, change: Resources): Promise<void> {
    const spec = this.sandboxes.get(id);
    if (spec === undefined) throw new Error(`no sandbox ${id}`);
    this.sandboxes.set(id, { ...spec, resources: mergeResources(spec.resources, change) });
  }

  async pause(id: string): Promise<void> {
    const record = this.containers.get(id);
    if (record?.state.phase !== 'running') throw new Error(`container ${id} is not running`);
    this.#set(record.spec, { ...record.state, paused: true });
  }

  async resume(id: string): Promise<void> {
    const record = this.containers.get(id);
    if (record?.state.phase !== 'running') throw new Error(`container ${id} is not running`);
    const { pid, startedAt } = record.state;
    this.#set(record.spec, { phase: 'running', pid, startedAt });
  }

  async reopenLog(): Promise<void> {}

  close(): void {}

  /** The newest container of a pod's container. */
  latest(container: string): ContainerRecord | undefined {
    const named = [...this.containers.values()].filter(
      ({ spec }) => spec.labels['io.kubernetes.container.name'] === container,
    );
    return named.at(-1);
  }

  #set(spec: ContainerSpec, state: ContainerPhase): ContainerRecord {
    const record = { spec, state };
    this.containers.set(spec.id, record);
    this.#changes.next(record);
    return record;
  }
}

/** A process that gives back what it reads, and ends with 0 when there is no more. */
export function echoSession(spec: ExecSpec): Session {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exit = Promise.withResolvers<number>();
  if (spec.stdin) stdin.pipe(stdout);
  else stdout.end(`${spec.args.join(' ')}\n`);
  stderr.end();
  stdout.on('end', () => exit.resolve(0));
  return {
    stdin,
    stdout,
    stderr,
    resize: () => undefined,
    exitCode: exit.promise,
    close: () => {
      stdout.destroy();
      exit.resolve(137);
    },
  };
}
