/** `start ID`: the program of a created container runs. */

import { onlyId, parseFlags } from '../arguments.ts';
import type { Globals } from '../globals.ts';
import { startContainer } from '../start.ts';
import { Place } from '../state.ts';

export async function run(globals: Globals, words: readonly string[]): Promise<number> {
  const place = await Place.open(globals.root, onlyId(parseFlags(words, {}).rest));
  try {
    await startContainer(place, place.read(), globals);
  } finally {
    place.release();
  }
  return 0;
}
