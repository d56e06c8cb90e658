/** `update ID`: other limits for a container that exists. */

import { readFileSync } from 'node:fs';
import type { Resources } from '../../container/cgroup-resources.ts';
import { updateCgroup } from '../../container/cgroup-update.ts';
import { onlyId, parseFlags } from '../arguments.ts';
import { cgroupNeeded } from '../cgroups.ts';
import { parseDocument } from '../config/problem.ts';
import { readBounded } from '../config/read-config.ts';
import type { Globals } from '../globals.ts';
import { checkMet, resourcesOf, type Source } from '../resources.ts';
import { Place } from '../state.ts';
import { statusOf } from '../status.ts';
import { resourcesFromFlags, type UpdateFlags, updateFlags } from '../update-flags.ts';

function wanted(flags: UpdateFlags): { readonly change: Resources; readonly source: Source } {
  const { resources: path } = flags;
  const document = path === undefined ? 'update' : path === '-' ? 'stdin' : path;
  const source = { document, at: '' };
  if (path === undefined) return { change: resourcesOf(resourcesFromFlags(flags), source), source };
  const text = path === '-' ? readFileSync(0, 'utf8') : readBounded(path);
  return { change: resourcesOf(parseDocument(document, text), source), source };
}

export async function run({ root, log }: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, updateFlags);
  const id = onlyId(rest);
  const { change, source } = wanted(flags);
  const place = await Place.open(root, id);
  try {
    const state = place.read();
    const status = await statusOf(place.directory, state);
    if (status === 'stopped' || status === 'creating') {
      throw new Error(`update ${id}: the container is ${status}`);
    }
    const hierarchies = await cgroupNeeded(state, 'update');
    checkMet(hierarchies, change, { log, source });
    const { cgroup, resources: present = {} } = state;
    const keep = (resources: Resources) => place.write({ ...state, resources });
    await updateCgroup(hierarchies, cgroup, { present, change, keep });
  } finally {
    place.release();
  }
  return 0;
}
