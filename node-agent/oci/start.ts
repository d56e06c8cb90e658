/** Opens a container's gate: all of `start`, and the second half of `run`. */

import { Socket } from 'node:net';
import { connectSocket } from '#native/descriptors.ts';
import { decodeGate } from '#native/hand-over.ts';
import { destroy, killAndWait } from './destroy.ts';
import { ExitError, type Globals } from './globals.ts';
import { runHere, runHooks, runHooksAnyway } from './hooks.ts';
import { refusalMessage } from './refusal.ts';
import type { Place, State } from './state.ts';
import { specState, statusOf } from './status.ts';

/** Resolves when the program runs. @throws ExitError saying why it could not be executed */
async function openGate({ directory, id }: Place): Promise<void> {
  const socket = new Socket({ fd: connectSocket(directory, 'gate') });
  socket.write('s');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const failure = decodeGate(Buffer.concat(chunks));
  if (failure === undefined) return;
  const code = failure.exitCode === 126 || failure.exitCode === 127 ? failure.exitCode : 1;
  throw new ExitError(`start container ${id}: ${refusalMessage(failure)}`, code);
}

/** A hook said no: the container ends as if it had been killed and deleted. */
async function giveUp(place: Place, state: State, { log }: Globals): Promise<void> {
  if (state.init !== undefined) await killAndWait(state.init);
  await destroy(place, state, log);
}

/** From 1.3.0 on a failing poststart hook is an error (runtime.md, Lifecycle). */
const isStrict = (ociVersion: string): boolean => Number(ociVersion.split('.')[1]) >= 3;

async function afterStart(place: Place, state: State, globals: Globals): Promise<void> {
  const { poststart } = state.hooks;
  const seen = () => specState(state, 'running');
  const run = runHere(state.bundle);
  if (!isStrict(state.ociVersion)) {
    return runHooksAnyway('poststart', poststart, seen, { run, warn: globals.log.warn });
  }
  try {
    await runHooks('poststart', poststart, seen, run);
  } catch (error) {
    await giveUp(place, state, globals);
    throw error;
  }
}

/** @throws Error when it is not created, has nothing to start, or a hook or its program fails */
export async function startContainer(place: Place, state: State, globals: Globals): Promise<void> {
  const status = await statusOf(place.directory, state);
  if (status !== 'created' || state.init === undefined) {
    throw new Error(`cannot start container ${place.id}: it is ${status}, not created`);
  }
  if (state.idle === true) {
    throw new Error(`cannot start container ${place.id}: its config.json had no process`);
  }
  const hooks = state.hooks.startContainer ?? [];
  if (hooks.length > 0) {
    const { runInside } = await import('./inside.ts');
    const inside = runInside(place.directory, state.init.pid, state);
    const seen = () => specState(state, 'created');
    await runHooks('startContainer', hooks, seen, inside).catch(async (error: unknown) => {
      await giveUp(place, state, globals);
      throw error;
    });
  }
  await openGate(place);
  await afterStart(place, state, globals);
}
