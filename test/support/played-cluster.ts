/**
 * A cluster without containers: a real API server, real controllers, and nodes that are played: pods run and become ready
 * as soon as they are bound, and go when they are deleted. What a test says of its pods (they fail, they never become
 * ready) is in `behave`. The controllers' clock may run fast, so that back-offs and schedules pass in a moment.
 */
import { Subscription } from 'rxjs';
import type { RemoteClient } from '#api/client/client.ts';
import type { Collection } from '#api/client/collection.ts';
import { namespaces, nodes, pods } from '#api/resources/resource-types.ts';
import { StatusError } from '#api/resources/status.ts';
import type { Namespace, Node, Pod } from '#api/resources/types.ts';
import { type Clock, systemClock } from '#controller/runtime/clock.ts';
import { watchCollection } from '#controller/runtime/watch.ts';
import { type Controller, runControllers } from '#controller/runtime/world.ts';
import { refOf } from '#controller/runtime/write.ts';
import { startTestServer, type TestServer } from './api-server.ts';

/** What a played pod does: it runs and is ready; it runs and is not; it waits for its image; it exits with a code. */
export type Behaviour = 'ready' | 'unready' | 'waiting' | number;

export interface PlayedCluster {
  readonly server: TestServer;
  readonly client: RemoteClient;
  readonly failures: string[];
  /** How a pod behaves; by default it is ready. Pods that run already are looked at again by `replay`. */
  behave: (pod: Pod) => Behaviour;
  replay(): Promise<void>;
  close(): Promise<void>;
}

/** A clock that runs so many times as fast as the machine's. */
export function fastClock(speed: number): Clock {
  const start = Date.now();
  return {
    now: () => Math.round(start + (Date.now() - start) * speed),
    setTimeout: (run, ms) => systemClock.setTimeout(run, ms / speed),
    clearTimeout: (timer) => systemClock.clearTimeout(timer),
    random: () => Math.random(),
  };
}

export interface PlayedOptions {
  readonly nodes?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly speed?: number;
}

export async function startPlayedCluster(
  controllers: readonly Controller[],
  options: PlayedOptions = {},
): Promise<PlayedCluster> {
  const server = await startTestServer();
  const client = server.client();
  const clock = options.speed === undefined ? systemClock : fastClock(options.speed);
  for (const name of options.nodes ?? ['a', 'b']) await addNode(client, name);
  for (const name of options.namespaces ?? []) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.collection<Namespace>(namespaces).create(namespace);
  }
  const failures: string[] = [];
  const running = new Subscription();
  const player = new Player(client.collection<Pod>(pods), clock);
  running.add(player.run());
  const runs = runControllers(server.client('controller'), controllers, { clock });
  running.add(
    runs.subscribe(({ key, error }) => {
      if (error !== undefined) failures.push(`${key}: ${error}`);
    }),
  );
  return {
    server,
    client,
    failures,
    get behave() {
      return player.behave;
    },
    set behave(behave) {
      player.behave = behave;
    },
    replay: () => player.replay(),
    close: async () => {
      running.unsubscribe();
      await server.close();
    },
  };
}

/** A node that is ready and has room. */
export async function addNode(client: RemoteClient, name: string, labels = {}): Promise<void> {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    status: {
      capacity: { cpu: '64', memory: '64Gi', pods: '500' },
      allocatable: { cpu: '64', memory: '64Gi', pods: '500' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  const collection = client.collection<Node>(nodes);
  await collection.create(node);
  // A new node has a taint until somebody has seen that it is ready.
  await collection.patch({ name }, { spec: { taints: null } }, 'merge');
}

/** Nobody minds that the pod has changed, or has gone: what became of it comes as the next event. */
async function tolerant(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (error instanceof StatusError && [404, 409, 503].includes(error.status.code ?? 0)) return;
    throw error;
  }
}

class Player {
  readonly #pods: Collection<Pod>;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, number>();
  behave: (pod: Pod) => Behaviour = () => 'ready';

  constructor(collection: Collection<Pod>, clock: Clock) {
    this.#pods = collection;
    this.#clock = clock;
  }

  run(): Subscription {
    return watchCollection(this.#pods).subscribe((event) => {
      if (event.type === 'replaced') for (const pod of event.objects) void this.#play(pod);
      else if (event.type === 'applied') void this.#play(event.object);
    });
  }

  async replay(): Promise<void> {
    for (const pod of (await this.#pods.list()).items) await this.#play(pod);
  }

  async #play(pod: Pod): Promise<void> {
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if ((pod.spec?.nodeName ?? '') === '') return;
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (deletionTimestamp !== undefined) {
      if (!ended) await this.#become(pod, 143);
      // What has a finalizer goes when that goes.
      if (deletionGracePeriodSeconds !== 0) {
        await tolerant(this.#pods.delete(refOf(pod), { gracePeriodSeconds: 0 }));
      }
    } else if (!ended) await this.#become(pod, this.behave(pod));
  }

  async #become(pod: Pod, behaviour: Behaviour): Promise<void> {
    const status = this.#status(pod, behaviour);
    const held = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    const wanted = status.conditions[0]?.status;
    if (pod.status?.phase === status.phase && held === wanted) return;
    // Of the pod as it was seen: what others have said of it since is not undone.
    const { resourceVersion } = pod.metadata;
    const patch = { metadata: { resourceVersion }, status };
    await tolerant(this.#pods.patchStatus(refOf(pod), patch, 'merge'));
  }

  /** Each pod has its own address, and keeps it. */
  #addressOf({ metadata: { uid = '' } }: Pod): string {
    const number = this.#addresses.get(uid) ?? this.#addresses.size + 1;
    this.#addresses.set(uid, number);
    return `10.99.${number >> 8}.${number & 255}`;
  }

  #status(pod: Pod, behaviour: Behaviour) {
    const now = new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const exited = typeof behaviour === 'number';
    const phase = exited
      ? behaviour === 0
        ? 'Succeeded'
        : 'Failed'
      : behaviour === 'waiting'
        ? 'Pending'
        : 'Running';
    const state = exited
      ? { terminated: { exitCode: behaviour, finishedAt: now, startedAt: now } }
      : behaviour === 'waiting'
        ? { waiting: { reason: 'ImagePullBackOff' } }
        : { running: { startedAt: now } };
    const ready = behaviour === 'ready';
    const containerStatuses = (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
      ...{ name, image, imageID: '', restartCount: 0, ready, started: ready, state },
    }));
    const told = ['Ready', 'PodScheduled'];
    const kept = (pod.status?.conditions ?? []).filter(({ type }) => !told.includes(type));
    const conditions = [
      { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now },
      { type: 'PodScheduled', status: 'True', lastTransitionTime: now },
      ...kept,
    ];
    const podIP = this.#addressOf(pod);
    return { phase, conditions, containerStatuses, podIP, podIPs: [{ ip: podIP }] };
  }
}
