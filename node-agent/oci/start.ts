/** Opens a container's gate: all of `start`, and the second half of `run`. */

import { closeSync, read, writeSync } from 'node:fs';
import { connectSocket } from '#native/descriptors.ts';
import { decodeGate } from '#native/hand-over.ts';
import { destroy, killAndWait } from './destroy.ts';
import { ExitError, type Globals } from './globals.ts';
import { runHere, runHooks, runHooksAnyway } from './hooks.ts';
import { refusalMessage } from './refusal.ts';
import type { Place, State } from './state.ts';
import { specState, statusOf } from './status.ts';

/** All that comes on a descriptor until its other end is closed. */
function readToEnd(descriptor: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const more = () =>
      read(descriptor, (error, count, bytes) => {
        if (error !== null) return reject(error);
        if (count === 0) return resolve(Buffer.concat(chunks));
        chunks.push(bytes.subarray(0, count));
        more();
      });
    more();
  });
}

/** Before the program is executed: that call may be one that is asked about. */
async function forwardListener(socket: number, state: State): Promise<void> {
  const { bringListener, receiveListener } = await import('./notify.ts');
  const listener = await receiveListener(socket);
  if (listener === undefined || state.listener === undefined) return;
  const sender = state.init?.pid ?? 0;
  bringListener({ ...listener, sender }, state.listener, { state, status: 'created' });
}

/** Resolves when the program runs. @throws ExitError saying why it could not be executed */
async function openGate({ directory, id }: Place, state: State): Promise<void> {
  const socket = connectSocket(directory, 'gate');
  let answer: Buffer;
  try {
    writeSync(socket, 's');
    if (state.listener !== undefined) await forwardListener(socket, state);
    answer = await readToEnd(socket);
  } finally {
    closeSync(socket);
  }
  const failure = decodeGate(answer);
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
  await openGate(place, state).catch(async (error: unknown) => {
    // Who cannot be asked leaves a program whose calls all fail.
    if (!(error instanceof ExitError)) await giveUp(place, state, globals);
    throw error;
  });
  await afterStart(place, state, globals);
}
