/** `resume ID`: what was paused goes on. */

import { onlyId, parseFlags } from '../arguments.ts';
import { hierarchiesOf, thaw } from '../cgroups.ts';
import type { Globals } from '../globals.ts';
import { Place } from '../state.ts';
import { statusOf } from '../status.ts';

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const place = await Place.open(root, onlyId(parseFlags(words, {}).rest));
  try {
    const state = place.read();
    const status = await statusOf(place.directory, state);
    if (status !== 'paused')
      throw new Error(`resume ${place.id}: the container is ${status}, not paused`);
    await thaw(await hierarchiesOf(state), state.cgroup);
  } finally {
    place.release();
  }
  return 0;
}
