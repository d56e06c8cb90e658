/** The end of a container: what is left of it is removed, then its poststop hooks run. */

import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroupOf } from './cgroups.ts';
import type { Log } from './globals.ts';
import { runHere, runHooksAnyway } from './hooks.ts';
import { removeMounts } from './joined-mounts.ts';
import { isAlive, type ProcessName } from './process-name.ts';
import type { Place, State } from './state.ts';
import { specState } from './status.ts';

const killTimeoutMs = 10_000;

/** SIGKILL, and wait until it is gone. @throws Error when it may not be killed, or does not end */
export async function killAndWait(init: ProcessName): Promise<void> {
  for (const deadline = Date.now() + killTimeoutMs; isAlive(init); await sleep(2)) {
    try {
      process.kill(init.pid, 'SIGKILL');
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ESRCH') return;
      throw new Error(`kill process ${init.pid}: ${message}`, { cause });
    }
    if (Date.now() > deadline) {
      throw new Error(
        `process ${init.pid} did not end within ${killTimeoutMs / 1000} s of SIGKILL`,
      );
    }
  }
}

/** Interrupted anywhere, it can be done again: the directory goes last. */
export async function destroy(place: Place, state: State, log: Log): Promise<void> {
  await removeCgroupOf(state);
  if (state.joinedMounts !== undefined) await removeMounts(state.joinedMounts, state.rootfs);
  await runHooksAnyway('poststop', state.hooks.poststop, () => specState(state, 'stopped'), {
    run: runHere(state.bundle),
    warn: log.warn,
  });
  place.remove();
}
