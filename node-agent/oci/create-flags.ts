/** The flags that `create` and `run` share. */

import { UsageError } from './arguments.ts';

export const createFlags = {
  bundle: { kind: 'text', short: 'b' },
  'console-socket': { kind: 'text' },
  'pid-file': { kind: 'text' },
  'preserve-fds': { kind: 'number' },
  'no-pivot': { kind: 'on' },
  'no-new-keyring': { kind: 'on' },
} as const;

/** @throws UsageError for what would weaken a container, or cannot be */
export function checkCreateFlags(flags: {
  readonly 'no-pivot': boolean;
  readonly 'preserve-fds': number | undefined;
}): void {
  if (flags['no-pivot']) {
    throw new UsageError(
      '--no-pivot: a root that is only moved can be left (it is for ramdisks); not supported',
    );
  }
  if ((flags['preserve-fds'] ?? 0) > 1000) throw new UsageError('--preserve-fds: at most 1000');
}
