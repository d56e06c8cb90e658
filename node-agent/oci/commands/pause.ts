/** `pause ID`: its processes stand still until `resume`. */

import { onlyId, parseFlags } from '../arguments.ts';
import { cgroupNeeded, freeze } from '../cgroups.ts';
import type { Globals } from '../globals.ts';
import { Place } from '../state.ts';
import { statusOf } from '../status.ts';

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const place = await Place.open(root, onlyId(parseFlags(words, {}).rest));
  try {
    const state = place.read();
    const status = await statusOf(place.directory, state);
    if (status !== 'running' && status !== 'created') {
      throw new Error(`pause ${place.id}: the container is ${status}, not running`);
    }
    await freeze(await cgroupNeeded(state, 'pause'), state.cgroup);
  } finally {
    place.release();
  }
  return 0;
}
