/** New limits for a cgroup in use. */

import { runSteps, type Step } from '#native/spawn.ts';
import { checkResources } from './cgroup-check.ts';
import { deviceChangeSteps } from './cgroup-devices.ts';
import { moveInto, widenSteps } from './cgroup-files.ts';
import { limitSteps } from './cgroup-limits.ts';
import { mergeResources, ResourceError, type Resources } from './cgroup-resources.ts';
import { cgroupStats } from './cgroup-stats.ts';
import type { Hierarchies } from './cgroups.ts';

export interface Update {
  /** What stands. */
  readonly present: Resources;
  readonly change: Resources;
  /**
   * Writes down what stands then, before the processes that run are moved to where new limits need them: what is
   * exec'ed from then on is limited, too, and who is interrupted here is helped by doing it again.
   */
  readonly keep: (resources: Resources) => Promise<void> | void;
}

async function checkUse(hierarchies: Hierarchies, path: string, wanted: Resources, limit = 0) {
  if (wanted.memory?.checkBeforeUpdate !== true || limit <= 0) return;
  const { memoryUsageBytes: used } = await cgroupStats(hierarchies, path);
  if (used > limit) throw new ResourceError('memory.limit', `${limit} is below the ${used} in use`);
}

/**
 * The writes for `wanted`, of which `change` is new. Whole groups: a limit that hangs together with another (quota and
 * period, memory and swap) is written with it.
 */
export function updateSteps(
  hierarchies: Hierarchies,
  path: string,
  { present, change }: Pick<Update, 'present' | 'change'>,
): Step[] {
  const wanted = mergeResources(present, change);
  const groups = Object.keys(change) as (keyof Resources)[];
  // What is v2's alone counts on what v1 has in one file with memory.
  if (change.unified?.['memory.swap.max'] !== undefined) groups.unshift('memory');
  const touched = Object.fromEntries(groups.map((name) => [name, wanted[name]])) as Resources;
  return [
    ...widenSteps(hierarchies, path, wanted),
    ...limitSteps(hierarchies, path, touched),
    ...(change.devices === undefined
      ? []
      : deviceChangeSteps(hierarchies, path, { from: present.devices, to: change.devices })),
  ];
}

/**
 * Makes `change` true beside what stands, and gives what stands then. Only what changes is written: another's hand in
 * the other files is left alone.
 * @throws ResourceError for a limit that cannot be; NativeError when the kernel refuses one, those before it are made
 */
export async function updateCgroup(
  hierarchies: Hierarchies,
  path: string,
  { present, change, keep }: Update,
): Promise<Resources> {
  const wanted = mergeResources(present, change);
  checkResources(wanted);
  await checkUse(hierarchies, path, wanted, change.memory?.limit);
  await runSteps(updateSteps(hierarchies, path, { present, change }));
  await keep(wanted);
  await moveInto(hierarchies, path, wanted);
  return wanted;
}
