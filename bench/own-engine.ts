/** Our runtime as the benchmark uses it: a pod of its own stands, containers come and go in it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type {
  ContainerRuntime,
  ContainerSpec,
  SandboxSpec,
} from '#node-agent/container/runtime.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import type { PodNetwork } from '#node-agent/network/pod-network.ts';
import {
  type Engine,
  type Held,
  makeRootfs,
  nowNs,
  privateKib,
  sinceMs,
  stampedMs,
} from './container-engine.ts';
import { longestTurnUs } from './turns.ts';

/** Each engine has its own. */
let networks = 0;
const newId = () => randomBytes(32).toString('hex');

export interface Started {
  readonly first: number;
  readonly whole: number;
  /** The event loop, in microseconds: until the call returned, and busy until started. */
  readonly callUs: number;
  readonly busyUs: number;
}

export class OwnEngine implements Engine {
  readonly name: string;
  readonly rounds: number;
  readonly #directory: string;
  readonly #runDir = mkdtempSync('/dev/shm/bench-run-');
  readonly #cgroupRoot: string;
  readonly #runtime: ContainerRuntime;
  readonly #network: PodNetwork;
  #pod: SandboxSpec | undefined;

  /** `place`: where layers and logs are. What runs is on tmpfs, as /run is. */
  constructor(name: string, place: string, rounds: number) {
    this.name = name;
    this.rounds = rounds;
    this.#directory = mkdtempSync(`${place}/bench-runtime-`);
    this.#cgroupRoot = `/bayplan-bench-${process.pid}-${newId().slice(0, 4)}`;
    makeRootfs(this.#layer);
    const [dataDir, runDir, cgroupRoot] = [
      `${this.#directory}/data`,
      this.#runDir,
      this.#cgroupRoot,
    ];
    this.#runtime = createRuntime({ dataDir, runDir, cgroupRoot, spares: true });
    this.#network = createPodNetwork({
      runDir: `${this.#runDir}/network`,
      bridge: `bpr${newId().slice(0, 6)}`,
      podCidr: `10.203.${networks++}.0/24`,
      clusterName: newId().slice(0, 6),
    });
  }

  get #layer(): string {
    return `${this.#directory}/layer`;
  }

  async open(): Promise<this> {
    await this.#runtime.adopt();
    await this.#network.start();
    this.#pod = await this.#newPod();
    return this;
  }

  /** A sandbox with a network of its own: namespace, veth, address, route. */
  async #newPod(): Promise<SandboxSpec> {
    const id = newId();
    const netnsPath = this.#network.netnsPath(id);
    const cgroupPath = `${this.#cgroupRoot}/besteffort/pod${id.slice(0, 12)}`;
    const names = { id, hostname: 'bench', labels: {} };
    const pod = { ...names, netnsPath, hostIpc: false, hostPid: false, cgroupPath, resources: {} };
    // Side by side, as the agent does it (node-agent/pod/set-up.ts).
    await Promise.all([this.#network.attach(id), this.#runtime.createSandbox(pod)]);
    return pod;
  }

  async #removePod({ id }: SandboxSpec): Promise<void> {
    await this.#runtime.removeSandbox(id);
    await this.#network.detach(id);
  }

  #spec(args: readonly string[], sandboxId = this.#pod?.id ?? ''): ContainerSpec {
    const id = newId();
    return {
      id,
      sandboxId,
      layers: [this.#layer],
      layerDir: `${this.#directory}/l${id.slice(0, 12)}`,
      readonlyRootfs: false,
      args,
      env: ['PATH=/bin'],
      cwd: '/',
      user: { uid: 0, gid: 0, groups: [] },
      mounts: [],
      privileged: false,
      noNewPrivileges: false,
      tty: false,
      stdin: false,
      stdinOnce: false,
      resources: { cpu: { shares: 100 }, memory: { limit: 1 << 28 }, pids: { limit: 1000 } },
      oomScoreAdj: 0,
      cgroupName: id.slice(0, 12),
      logPath: `${this.#directory}/${id.slice(0, 12)}.log`,
      labels: {},
    };
  }

  /** Not by asking again and again: that would keep a processor from the containers. */
  async #ended(id: string): Promise<void> {
    if (this.#runtime.get(id)?.state.phase === 'exited') return;
    await firstValueFrom(
      this.#runtime.changes.pipe(
        filter(({ spec, state }) => spec.id === id && state.phase === 'exited'),
      ),
    );
  }

  async #remove(spec: ContainerSpec): Promise<void> {
    await this.#runtime.remove(spec.id);
    await this.#runtime.removeLayer(spec.layerDir);
    rmSync(spec.logPath, { force: true });
  }

  /** `preparedMs`: all but the run of its program was made so long before. */
  async run(preparedMs = 0): Promise<Started> {
    const spec = this.#spec(['stamp']);
    if (preparedMs > 0) {
      await this.#runtime.prepare(spec);
      await sleep(preparedMs);
    }
    const before = nowNs();
    const busy = performance.eventLoopUtilization();
    const promise = this.#runtime.start(spec);
    const callUs = sinceMs(before) * 1000;
    await promise;
    const busyUs = performance.eventLoopUtilization(busy).active * 1000;
    await this.#ended(spec.id);
    const first = stampedMs(readFileSync(spec.logPath, 'utf8'), before);
    await this.#remove(spec);
    return { first, whole: sinceMs(before), callUs, busyUs };
  }

  /** The longest turn of the event loop while one is started, in microseconds. */
  async turns(): Promise<number> {
    const spec = this.#spec(['stamp']);
    const longest = await longestTurnUs(() => this.#runtime.start(spec));
    await this.#ended(spec.id);
    await this.#remove(spec);
    return longest;
  }

  /** A pod from nothing, with one container: from the call to that one's first instruction. */
  async runPod(): Promise<number> {
    const before = nowNs();
    const pod = await this.#newPod();
    const spec = this.#spec(['stamp'], pod.id);
    await this.#runtime.start(spec);
    await this.#ended(spec.id);
    const first = stampedMs(readFileSync(spec.logPath, 'utf8'), before);
    await this.#remove(spec);
    await this.#removePod(pod);
    return first;
  }

  async logs(): Promise<number> {
    const spec = this.#spec(['lines']);
    const before = nowNs();
    await this.#runtime.start(spec);
    await this.#ended(spec.id);
    const took = sinceMs(before);
    await this.#remove(spec);
    return took;
  }

  async hold(): Promise<Held> {
    const runtime = this.#runtime;
    const spec = this.#spec(['sleep', '1000']);
    await runtime.start(spec);
    const { id } = spec;
    const state = JSON.parse(readFileSync(`${this.#runDir}/c/${id}/state`, 'utf8'));
    const timed = async (work: Promise<unknown>, before = nowNs()) => {
      await work;
      return sinceMs(before);
    };
    return {
      exec: async () => {
        const before = nowNs();
        const session = await runtime.exec(id, { args: ['stamp'], tty: false, stdin: false });
        let text = '';
        for await (const chunk of session.stdout) text += String(chunk);
        await session.exitCode;
        return stampedMs(text, before);
      },
      pause: () => timed(runtime.pause(id)),
      resume: () => runtime.resume(id),
      kill: () => timed(runtime.kill(id).then(() => this.#ended(id))),
      beside: () => privateKib(state.supervisor),
      remove: () => this.#remove(spec),
    };
  }

  /** Takes down what is left, also after a failure in the middle. */
  async close(): Promise<void> {
    if (this.#pod !== undefined) await this.#removePod(this.#pod);
    this.#runtime.close();
    await this.#network.destroy();
    for (const path of [this.#directory, this.#runDir])
      rmSync(path, { recursive: true, force: true });
  }
}
