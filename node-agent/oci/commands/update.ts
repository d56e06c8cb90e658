/** `update ID`: other limits for a container that exists. */

import { readFileSync } from 'node:fs';
import { runSteps } from '#native/spawn.ts';
import { onlyId, parseFlags } from '../arguments.ts';
import { readHierarchies } from '../cgroups.ts';
import { parseDocument } from '../config/problem.ts';
import { readBounded } from '../config/read-config.ts';
import type { Globals } from '../globals.ts';
import { limitStepsOf, resourcesOf } from '../resources.ts';
import { Place } from '../state.ts';
import { statusOf } from '../status.ts';
import { resourcesFromFlags, type UpdateFlags, updateFlags } from '../update-flags.ts';

function wanted(flags: UpdateFlags): unknown {
  const { resources } = flags;
  if (resources === undefined) return resourcesFromFlags(flags);
  const text = resources === '-' ? readFileSync(0, 'utf8') : readBounded(resources);
  return parseDocument(resources === '-' ? 'stdin' : resources, text);
}

export async function run({ root, log }: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, updateFlags);
  const id = onlyId(rest);
  const resources = resourcesOf(wanted(flags));
  const place = await Place.open(root, id);
  try {
    const state = place.read();
    const status = await statusOf(place.directory, state);
    if (status === 'stopped' || status === 'creating') {
      throw new Error(`update ${id}: the container is ${status}`);
    }
    await runSteps(limitStepsOf(resources, await readHierarchies(), state.cgroup, log));
  } finally {
    place.release();
  }
  return 0;
}
