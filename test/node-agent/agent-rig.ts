/** An agent over an API, a runtime, images and a network in memory; only its files are real. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as types from '#api/resources/resource-types.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Secret } from '#api/resources/types.ts';
import { silent } from '#controller/runtime/log.ts';
import { NodePressure } from '#node-agent/eviction/node-pressure.ts';
import { thresholdsOf } from '#node-agent/eviction/thresholds.ts';
import { ImagePulls } from '#node-agent/pod/image-pulls.ts';
import { KeptContainers } from '#node-agent/pod/kept-containers.ts';
import { persistentVolumesDir, volumesDir } from '#node-agent/pod/paths.ts';
import { PodController } from '#node-agent/pod/pod-controller.ts';
import { PodEvents } from '#node-agent/pod/pod-events.ts';
import { StatusWriter } from '#node-agent/pod/status-writer.ts';
import type { World } from '#node-agent/pod/world.ts';
import { claimSource } from '#node-agent/volume/claim.ts';
import { ObjectSource } from '#node-agent/volume/object-source.ts';
import { PodTokens } from '#node-agent/volume/pod-tokens.ts';
import { Volumes } from '#node-agent/volume/volumes.ts';
import { type MemoryApi, memoryApi } from '../support/memory-collection.ts';
import { FakeImages } from './fake-images.ts';
import { FakeNetwork } from './fake-network.ts';
import { FakeRuntime } from './fakes.ts';

export interface Rig {
  readonly api: MemoryApi;
  readonly runtime: FakeRuntime;
  readonly images: FakeImages;
  readonly network: FakeNetwork;
  readonly dataDir: string;
  readonly world: World;
  readonly pods: PodController;
  /** Another life of the agent over the same machine; the earlier one is dead. `between` happens while none lives. */
  restart(between?: () => void): Promise<void>;
  create(pod: Pod): Promise<Pod>;
  get(name: string): Promise<Pod>;
  /** Waits until the pod in the API is as wanted; names what it is instead when it takes too long. */
  until(name: string, wanted: (pod: Pod) => boolean): Promise<Pod>;
  close(): void;
}

const nodeName = 'n1';

/** Waits for a condition, at most a minute. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>) {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited a minute for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function agentRig(): Promise<Rig> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pods-'));
  const machine = {
    runtime: new FakeRuntime(),
    images: new FakeImages(),
    network: new FakeNetwork(),
  };
  const api = memoryApi();
  const life = async () => {
    const world = worldOf(api, dataDir, machine);
    const controller = new PodController(world);
    const adopted = await machine.runtime.adopt();
    await world.kept.start(adopted.containers);
    controller.adopt(adopted, []);
    return { world, controller, work: controller.start() };
  };
  let now = await life();
  const get = (name: string) => api.collection<Pod>(pods).get({ namespace: 'default', name });
  const end = () => {
    now.work.unsubscribe();
    now.world.kept.close();
    now.world.status.close();
    now.world.events.close();
    now.world.pulls.close();
    now.world.configMaps.close();
    now.world.secrets.close();
  };
  return {
    api,
    ...machine,
    dataDir,
    get world() {
      return now.world;
    },
    get pods() {
      return now.controller;
    },
    restart: async (between) => {
      end();
      between?.();
      now = await life();
    },
    create: (pod) => api.collection<Pod>(pods).create(pod),
    get,
    until: async (name, wanted) => {
      let last: Pod | undefined;
      try {
        await eventually(`pod ${name}`, async () => {
          last = await get(name).catch(() => undefined);
          return last !== undefined && wanted(last);
        });
      } catch (cause) {
        throw new Error(`${String(cause)}: ${JSON.stringify(last?.status, null, 1)}`, { cause });
      }
      return last as Pod;
    },
    close: () => {
      end();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function worldOf(
  api: MemoryApi,
  dataDir: string,
  machine: { runtime: FakeRuntime; images: FakeImages; network: FakeNetwork },
): World {
  const configMaps = new ObjectSource(api.collection<ConfigMap>(types.configMaps));
  const secrets = new ObjectSource(api.collection<Secret>(types.secrets));
  const collection = api.collection<Pod>(pods);
  const capacity = { cpuMillis: 2000, memoryBytes: 1024 ** 3 };
  const events = new PodEvents(api, nodeName, silent);
  const pulls = new ImagePulls({ images: machine.images, secrets, events, now: Date.now });
  const pressure = new NodePressure(thresholdsOf());
  const mounts = { mountTmpfs: async () => undefined, unmount: async () => undefined };
  return {
    node: { nodeName, hostname: 'host1', hostIPs: ['192.0.2.1'], cgroupRoot: '/bayplan', capacity },
    paths: { dataDir },
    ...machine,
    pulls,
    volumes: new Volumes({
      configMaps,
      secrets,
      tokens: new PodTokens(api.collection(types.serviceAccounts)),
      mounts,
      claims: claimSource(api),
      persistentVolumes: persistentVolumesDir({ dataDir }),
      dirOf: (uid) => volumesDir({ dataDir }, uid),
      facts: { hostIP: '192.0.2.1', allocatable: capacity },
      onProblem: () => undefined,
    }),
    kept: new KeptContainers({
      dataDir,
      client: api,
      record: (id) => machine.runtime.get(id),
      log: silent,
    }),
    pods: collection,
    configMaps,
    secrets,
    servicesFor: async () => [],
    status: new StatusWriter(collection, silent),
    events,
    pressure,
    states: new Map(),
    log: silent,
    now: Date.now,
  };
}

/** A pod bound to the rig's node. */
export function podOf(name: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { nodeName, containers: [{ name: 'main', image: 'busybox' }], ...spec },
  };
}
