/** A process that waits as a few KiB: it becomes `lookout`, which becomes the program that knows what to do. */
import { join } from 'node:path';
import { buildDir, loadAddon } from './load.ts';

interface Face {
  keepSignals(): number;
  becomeProgram(path: string, args: readonly string[]): never;
}

/**
 * Replaces this process by the static program `lookout` (its children stay its children) until a child ends or SIGTERM,
 * SIGINT or SIGHUP comes; then it becomes `command`, with the event as a further argument: `ended:PID:CODE` or
 * `signal:NUMBER`. Before it goes, signals that had come already are given the time to reach their listeners: resolves if
 * `isWanted` says no then. Throws `NativeError` if the program cannot be run.
 */
export async function becomeLookout(
  command: readonly string[],
  isWanted: () => boolean,
): Promise<void> {
  const native = loadAddon<Face>();
  const kept = native.keepSignals();
  // libuv hands a signal on in the next turn of its loop.
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
  if (!isWanted()) return;
  native.becomeProgram(join(buildDir, 'lookout'), ['bay-lookout', String(kept), ...command]);
}
