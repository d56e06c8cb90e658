/** A container's cgroup on a machine that is not there: what a start and an update write into it. */

import { checkResources } from '#node-agent/container/cgroup-check.ts';
import { deviceSteps } from '#node-agent/container/cgroup-devices.ts';
import { limitSteps } from '#node-agent/container/cgroup-limits.ts';
import { mergeResources, type Resources } from '#node-agent/container/cgroup-resources.ts';
import { updateSteps } from '#node-agent/container/cgroup-update.ts';
import { createLeafSteps, createSteps, directoriesOf } from '#node-agent/container/cgroups.ts';
import { CgroupFake, machines } from '../../support/cgroup-fake.ts';

export type Kind = keyof typeof machines;
export const kinds = Object.keys(machines) as Kind[];
export const path = '/pod/one';

/** As a start makes it, with its process in it. */
export function made(kind: Kind, wanted: Resources = {}): CgroupFake {
  const hierarchies = machines[kind];
  const fake = new CgroupFake(hierarchies);
  fake.run(createSteps(hierarchies, '/pod'));
  fake.run([
    ...createLeafSteps(hierarchies, path, wanted),
    ...limitSteps(hierarchies, path, wanted),
    ...deviceSteps(hierarchies, path, { ...wanted, privileged: false }),
  ]);
  fake.join(directoriesOf(hierarchies, path, wanted));
  return fake;
}

/** The writes of limits into the cgroup itself, `file value`. */
export const limitsOf = ({ writes }: CgroupFake): string[] =>
  writes
    .filter((line) => line.includes(`${path}/`) && !line.includes('/devices.'))
    .map((line) => line.slice(line.indexOf(path) + path.length + 1));

/** What an update writes into the cgroup itself. */
export function updated(kind: Kind, present: Resources, change: Resources): string[] {
  const fake = made(kind, present);
  const before = limitsOf(fake).length;
  checkResources(mergeResources(present, change));
  fake.run(updateSteps(machines[kind], path, { present, change }));
  return limitsOf(fake).slice(before);
}

/** What a v1 cpuset begins with. */
export const inherited = ['cpuset.cpus 0-3', 'cpuset.mems 0'];
