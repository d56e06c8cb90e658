/** `delete [--force] ID`: what create made is removed; only a stopped container's, unless forced. */

import { statSync } from 'node:fs';
import { onlyId, parseFlags } from '../arguments.ts';
import { hierarchiesOf, thaw } from '../cgroups.ts';
import { destroy, killAndWait } from '../destroy.ts';
import type { Globals } from '../globals.ts';
import { checkId, Place } from '../state.ts';
import { statusOf } from '../status.ts';

/** @throws Error where it cannot be looked at: what is not seen is not gone */
const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

async function deleteFrom(place: Place, force: boolean, { log }: Globals): Promise<void> {
  if (!place.isWritten()) return place.remove();
  const state = place.read();
  const status = await statusOf(place.directory, state);
  // A create that is still at work holds the lock: this one is dead.
  if (status !== 'stopped' && status !== 'creating' && !force) {
    throw new Error(
      `cannot delete container ${place.id} that is not stopped: ${status}; kill it first, or use --force`,
    );
  }
  if (status === 'paused') await thaw(await hierarchiesOf(state), state.cgroup);
  if (state.init !== undefined) await killAndWait(state.init);
  await destroy(place, state, log);
}

export async function run(globals: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, { force: { kind: 'on', short: 'f' } });
  const id = onlyId(rest);
  if (flags.force && !isThere(`${globals.root}/${checkId(id)}`)) return 0;
  const place = await Place.open(globals.root, id);
  try {
    await deleteFrom(place, flags.force, globals);
  } finally {
    place.release();
  }
  return 0;
}
