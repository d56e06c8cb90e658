/** Controllers over the API in memory, under virtual time. */
import type { Subscription } from 'rxjs';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { type Controller, runControllers } from '#controller/runtime/world.ts';
import { type MemoryApi, memoryApi } from './memory-collection.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface Running {
  readonly api: MemoryApi;
  readonly clock: VirtualClock;
  /** Keys and errors of the runs that failed. */
  readonly failures: string[];
  /** Starts the controllers (again, with empty memories). */
  start(): void;
  stop(): void;
  /** Lets things happen for a while: half a second, so that retries and events are done. */
  settle(ms?: number): Promise<void>;
}

/** Sets up without starting, so that a test can fill the API before. */
export function running(...controllers: Controller[]): Running {
  const api = memoryApi();
  const clock = new VirtualClock({ now: Date.now() });
  const failures: string[] = [];
  let subscription: Subscription | undefined;
  const stop = () => {
    subscription?.unsubscribe();
    subscription = undefined;
  };
  const start = () => {
    stop();
    subscription = runControllers(api, controllers, { clock }).subscribe(({ key, error }) => {
      if (error !== undefined) failures.push(`${key}: ${error}`);
    });
  };
  return { api, clock, failures, start, stop, settle: (ms = 500) => clock.advance(ms) };
}

/** What agents would do: pods run (if there are nodes, bound ones) and become ready, pods that are being deleted go. */
export function playAgent(api: MemoryApi, clock: VirtualClock): void {
  const hasNodes = api.store.all(nodes).length > 0;
  for (const object of api.store.all(pods)) {
    const pod = structuredClone(object) as Pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      if ((pod.metadata.finalizers ?? []).length === 0) api.store.remove(pods, pod);
      continue;
    }
    const { phase = 'Pending' } = pod.status ?? {};
    if (hasNodes && pod.spec?.nodeName === undefined) continue;
    if (phase === 'Pending') api.store.put(pods, started(pod, clock.now()));
  }
}

function started(pod: Pod, nowMs: number): Pod {
  const startedAt = new Date(nowMs).toISOString();
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }];
  const containerStatuses = (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
    name,
    image,
    imageID: `sha256:${image}`,
    ready: true,
    restartCount: 0,
    state: { running: { startedAt } },
  }));
  const podIP = '10.244.0.2';
  const status = {
    ...pod.status,
    ...{ phase: 'Running', startTime: startedAt, conditions, containerStatuses, podIP },
  };
  return { ...pod, status } as unknown as Pod;
}
