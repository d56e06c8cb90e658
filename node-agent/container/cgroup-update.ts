/** New limits for a cgroup in use. */

import { runSteps } from '#native/spawn.ts';
import { checkResources } from './cgroup-check.ts';
import { deviceSteps } from './cgroup-devices.ts';
import { moveInto, widenSteps } from './cgroup-files.ts';
import { limitSteps } from './cgroup-limits.ts';
import { mergeResources, ResourceError, type Resources } from './cgroup-resources.ts';
import { cgroupStats } from './cgroup-stats.ts';
import type { Hierarchies } from './cgroups.ts';

/**
 * Makes `change` true beside what stands, and gives what stands then. Only what changes is written: another's hand in
 * the other files is left alone.
 * @throws ResourceError for a limit that cannot be; NativeError when the kernel refuses one, those before it are made
 */
export async function updateCgroup(
  hierarchies: Hierarchies,
  path: string,
  { present, change }: { readonly present: Resources; readonly change: Resources },
): Promise<Resources> {
  const wanted = mergeResources(present, change);
  checkResources(wanted);
  const limit = change.memory?.limit ?? 0;
  if (wanted.memory?.checkBeforeUpdate === true && limit > 0) {
    const { memoryUsageBytes: used } = await cgroupStats(hierarchies, path);
    if (used > limit)
      throw new ResourceError('memory.limit', `${limit} is below the ${used} in use`);
  }
  // Whole groups: a limit that hangs together with another (quota and period, memory and swap) is written with it.
  const groups = Object.keys(change) as (keyof Resources)[];
  const touched = Object.fromEntries(groups.map((name) => [name, wanted[name]])) as Resources;
  const move = { from: present, to: wanted };
  await runSteps([
    ...widenSteps(hierarchies, path, move),
    ...limitSteps(hierarchies, path, touched),
    ...(change.devices === undefined
      ? []
      : deviceSteps(hierarchies, path, { devices: change.devices, privileged: false })),
  ]);
  await moveInto(hierarchies, path, move);
  return wanted;
}
