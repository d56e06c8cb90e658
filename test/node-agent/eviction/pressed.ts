/** An agent over a runtime in memory, on a machine that runs short of what a test says. */
import type { Pod } from '#api/resources/types.ts';
import { Evictions } from '#node-agent/eviction/evictions.ts';
import { NodePressure } from '#node-agent/eviction/node-pressure.ts';
import {
  type EvictionSettings,
  maxPodGraceOf,
  type Signals,
  thresholdsOf,
} from '#node-agent/eviction/thresholds.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { agentRig, eventually, podOf, type Rig } from '../agent-rig.ts';

export const mi = 1024 ** 2;
export const plenty: Signals = {
  memory: { available: 4096 * mi, capacity: 8192 * mi },
  disk: { available: 50_000 * mi, capacity: 100_000 * mi },
  inodes: { available: 500, capacity: 1000 },
  pids: { available: 900, capacity: 1000 },
};
export const noMemory: Signals = { ...plenty, memory: { available: 50 * mi, capacity: 8192 * mi } };
export const noDisk: Signals = {
  ...plenty,
  disk: { available: 4000 * mi, capacity: 100_000 * mi },
};

interface Pressed {
  readonly rig: Rig;
  readonly evictions: Evictions;
  readonly pressure: NodePressure;
  readonly clock: VirtualClock;
  /** What the machine says from now on. */
  now: Signals;
  /** What the machine says after something was freed. */
  afterReclaim: Signals | undefined;
  reclaims: number;
  changes: number;
  /** What had to be freed, look by look. */
  readonly shortages: string[];
  /** MiB by pod. */
  readonly memory: Record<string, number>;
  /** The pods of one look that have to go. */
  look(): Promise<string>;
  /** The same of the first look that finds some: none does until the last one is taken down, which is told before. */
  next(): Promise<string>;
}

export async function pressed(
  t: { teardown(run: () => void): void },
  settings: EvictionSettings = {},
): Promise<Pressed> {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const pressure = new NodePressure(thresholdsOf(settings));
  (rig.world as { pressure: Pick<NodePressure, 'refusal'> }).pressure = pressure;
  const clock = new VirtualClock();
  const memory: Record<string, number> = {};
  const stats = rig.runtime.stats.bind(rig.runtime);
  rig.runtime.stats = async (id?: string) => {
    const state = [...rig.world.states.values()].find((one) =>
      one.allAttempts().some((attempt) => attempt.id === id),
    );
    return { ...(await stats()), memoryBytes: (memory[state?.identity.name ?? ''] ?? 0) * mi };
  };
  const evictions = new Evictions({
    world: rig.world,
    pods: () => rig.pods.pods(),
    pressure,
    read: async () => it.now,
    reclaim: async () => {
      it.reclaims += 1;
      it.now = it.afterReclaim ?? it.now;
    },
    onChange: () => {
      it.changes += 1;
    },
    onShortage: (resource) => it.shortages.push(resource),
    maxPodGrace: maxPodGraceOf(settings),
    clock,
  });
  t.teardown(() => evictions.stop());
  const look = async () => (await evictions.look()).map(({ metadata }) => metadata.name).join(' ');
  const next = async () => {
    let found = '';
    await eventually('a pod that has to go', async () => {
      found = await look();
      return found !== '';
    });
    return found;
  };
  const counts = { reclaims: 0, changes: 0, shortages: [] };
  const it: Pressed = {
    ...{
      rig,
      evictions,
      pressure,
      clock,
      now: plenty,
      afterReclaim: undefined,
      memory,
      look,
      next,
    },
    ...counts,
  };
  return it;
}

export const isRunning = (pod: Pod) => pod.status?.phase === 'Running';
export const hasFailed = (pod: Pod) => pod.status?.phase === 'Failed';

export async function runs(rig: Rig, name: string, spec: NonNullable<Partial<Pod['spec']>> = {}) {
  await rig.create(podOf(name, spec));
  return rig.until(name, isRunning);
}

export const requesting = (memory: string) => ({
  containers: [{ name: 'main', image: 'busybox', resources: { requests: { memory } } }],
});
