/** What makes the cgroup of a container, limits it and restricts its devices: the same text for all with the same limits. */

import { joined } from '#native/spawn.ts';
import { checkResources } from './cgroup-check.ts';
import { deviceSteps } from './cgroup-devices.ts';
import { limitSteps } from './cgroup-limits.ts';
import { createLeafSteps, type Hierarchies, needsFurther } from './cgroups.ts';
import type { Surroundings } from './surroundings.ts';

type Wanted = Pick<Surroundings, 'hierarchies' | 'spec' | 'devices'>;

/** Stands for the cgroup's path; no file's name nor value has such a character. */
const anyPath = '/\u0001';

/** Most containers of a node are one of a few kinds; their texts, cut where the path belongs. */
const known = new WeakMap<Hierarchies, Map<string, readonly string[]>>();
const mostKnown = 256;

function stepsFor({ hierarchies, spec, devices }: Wanted, path: string): string {
  const { resources, privileged } = spec;
  checkResources(resources);
  return joined([
    ...createLeafSteps(hierarchies, path, resources),
    ...limitSteps(hierarchies, path, resources),
    ...deviceSteps(hierarchies, path, { ...resources, privileged, more: devices.rules }),
  ]);
}

/**
 * The steps, joined.
 * @throws ResourceError for limits that cannot be
 */
export function cgroupOrder(around: Wanted & Pick<Surroundings, 'cgroup'>): string {
  const { hierarchies, spec, devices, cgroup } = around;
  // What only few have is made from the top: it depends on the levels of the path.
  if (needsFurther(hierarchies, spec.resources)) return stepsFor(around, cgroup);
  const texts = known.get(hierarchies) ?? new Map<string, readonly string[]>();
  known.set(hierarchies, texts);
  const kind = JSON.stringify([spec.resources, spec.privileged, devices.rules]);
  let parts = texts.get(kind);
  if (parts === undefined) {
    parts = stepsFor(around, anyPath).split(anyPath);
    if (texts.size >= mostKnown) texts.clear();
    texts.set(kind, parts);
  }
  return parts.join(cgroup);
}
