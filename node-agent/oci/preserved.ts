/** Descriptors that the program is to get from our caller. */

import { readlinkSync } from 'node:fs';
import { UsageError } from './arguments.ts';

/** The first thing that Node opens, at the lowest number our caller left free. */
const ours = 'anon_inode:[eventpoll]';

function isInherited(descriptor: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) !== ours;
  } catch {
    return false;
  }
}

/** The first `count` from 3 on. @throws UsageError for one that is not there: ours must not take its place */
export function preservedDescriptors(count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => 3 + index);
  const missing = all.find((descriptor) => !isInherited(descriptor));
  if (missing === undefined) return all;
  throw new UsageError(`--preserve-fds ${count}: descriptor ${missing} is not open`);
}
