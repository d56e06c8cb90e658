/** How a container is, asked of the kernel each time: nothing that is written down could be wrong. */

import { closeSync } from 'node:fs';
import { connectSocket } from '#native/descriptors.ts';
import { isFrozen } from '../container/cgroup-files.ts';
import { hierarchiesOf } from './cgroups.ts';
import { isAlive } from './process-name.ts';
import type { State } from './state.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** Its process waits to be started: somebody listens at the gate. */
function isAtGate(directory: string): boolean {
  try {
    closeSync(connectSocket(directory, 'gate'));
    return true;
  } catch {
    return false;
  }
}

/** `creating` is also what a `create` that was killed leaves: only delete --force helps then. */
export async function statusOf(directory: string, state: State): Promise<Status> {
  if (state.init === undefined) return 'creating';
  if (!isAlive(state.init)) return 'stopped';
  if (await isFrozen(await hierarchiesOf(state), state.cgroup)) return 'paused';
  return isAtGate(directory) ? 'created' : 'running';
}

/** The state as the specification has it (runtime.md, State), which hooks get, too. */
export function specState(state: State, status: Status): object {
  const { ociVersion, id, init, bundle, annotations } = state;
  const alive = status !== 'stopped' && init !== undefined;
  return {
    ociVersion,
    id,
    // The specification knows no pause.
    status: status === 'paused' ? 'running' : status,
    ...(alive ? { pid: init.pid } : {}),
    bundle,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}
