/** A process that is started before what it needs is there: it loads its code meanwhile. */
import { readFileSync } from 'node:fs';

/** The argument that says so. */
const flag = '--held';

/**
 * With `--held` on the command line: returns when standard input has ended, which is how the parent says that the
 * configuration is written. Blocks: nothing else is to be done until then. A parent that dies ends it by a signal.
 */
export function untilReleased(): void {
  if (process.argv.includes(flag)) readFileSync(0);
}
