/** What one pod uses of the node now: memory by its cgroups, disk by its layers, logs and volumes. */
import { dirname, join } from 'node:path';
import type { Pod } from '#api/resources/types.ts';
import { volumesDir } from '../pod/paths.ts';
import type { PodState } from '../pod/pod-state.ts';
import { isAlive } from '../pod/view.ts';
import type { World } from '../pod/world.ts';
import { added, type DiskUse, diskUse, nothing } from './disk-use.ts';
import { isOnDisk } from './local-limits.ts';
import type { Candidate } from './ranking.ts';
import type { Resource } from './thresholds.ts';

/** On the node's disk. */
export interface LocalUse {
  readonly total: DiskUse;
  /** Writable layer and logs, by container. */
  readonly containers: ReadonlyMap<string, DiskUse>;
  /** Volumes that live with the pod, by name. */
  readonly volumes: ReadonlyMap<string, DiskUse>;
}

/** The pod with its use of what is short. */
export async function measured(
  world: World,
  state: PodState,
  pod: Pod,
  resource: Resource,
): Promise<Candidate> {
  try {
    if (resource === 'memory') return { pod, use: await memoryUse(world, state) };
    const part = resource === 'inodes' ? 'inodes' : 'bytes';
    const { total, containers } = await localUse(world, state, pod);
    const amounts = [...containers].map(([name, use]) => [name, use[part]] as const);
    return { pod, use: { total: total[part], containers: new Map(amounts) } };
  } catch (error) {
    world.log.warn('use of a pod not measured', { uid: state.identity.uid, resource, error });
    return { pod };
  }
}

/** Working sets; a container that ends meanwhile uses nothing. */
async function memoryUse(world: World, state: PodState): Promise<NonNullable<Candidate['use']>> {
  const containers = new Map<string, number>();
  let total = 0;
  for (const { id, container, state: of } of state.allAttempts()) {
    if (of.phase !== 'running') continue;
    try {
      const { memoryBytes } = await world.runtime.stats(id);
      containers.set(container, memoryBytes);
      total += memoryBytes;
    } catch (error) {
      if (isAlive(state.alive(container))) throw error;
    }
  }
  return { total, containers };
}

/** Walks what the pod may write to. */
export async function localUse(world: World, state: PodState, pod: Pod): Promise<LocalUse> {
  const containers = new Map<string, DiskUse>();
  const volumes = new Map<string, DiskUse>();
  let total = nothing;
  // The latest attempt of each: of those before, records alone may be left.
  const latest = new Map(state.allAttempts().map(({ container, id }) => [container, id]));
  for (const [container, id] of latest) {
    const spec = world.runtime.get(id)?.spec;
    if (spec === undefined) continue;
    const use = added(await diskUse(spec.layerDir), await diskUse(dirname(spec.logPath)));
    containers.set(container, use);
    total = added(total, use);
  }
  for (const { name } of (pod.spec?.volumes ?? []).filter(isOnDisk)) {
    const use = await diskUse(join(volumesDir(world.paths, state.identity.uid), name));
    volumes.set(name, use);
    total = added(total, use);
  }
  return { total, containers, volumes };
}
