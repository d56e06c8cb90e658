/** Hooks in a container's namespaces: programs like exec's, with all of root's power there. */

import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { openPidfd, socketPair, waitChild } from '#native/descriptors.ts';
import { HandOverError, handOver } from '#native/hand-over.ts';
import type { Hook } from './config/config.ts';
import type { HookEnd, RunHook } from './hooks.ts';
import { hookOrder } from './process-order.ts';
import { refusalMessage } from './refusal.ts';
import type { State } from './state.ts';

const mostOutput = 4096;

/** `pid`: a process of the container; the hook's path is looked for where that one's mounts lead. */
export const runInside =
  (directory: string, pid: number, state: State): RunHook =>
  async (hook, document) => {
    const pidfd = openPidfd(pid);
    const [ours, theirs] = socketPair();
    const input = stateFile(directory, document);
    const output = read(ours);
    let child: number;
    try {
      child = await handOver({
        directory,
        id: state.id,
        spec: await hookOrder(hook, state),
        pidfd,
        stdio: [input, theirs, theirs],
      }).catch((error: unknown) => {
        throw error instanceof HandOverError ? new Error(refusalMessage(error.failure)) : error;
      });
    } finally {
      for (const fd of [pidfd, theirs, input]) closeSync(fd);
    }
    const end = await ended(child, hook);
    // What it left behind may hold the other end for ever.
    await output.settled();
    return { ...end, output: output.text() };
  };

/** A file that only its descriptor leads to: a program may open /dev/stdin again, which a socket would not let it. */
function stateFile(directory: string, document: string): number {
  const path = `${directory}/hook-state`;
  writeFileSync(path, document, { mode: 0o600 });
  const fd = openSync(path, 'r');
  unlinkSync(path);
  return fd;
}

/** What comes on a socket; `settled` waits for its end, or until nothing more is there. */
function read(descriptor: number) {
  const socket = new Socket({ fd: descriptor });
  let text = '';
  let quiet = true;
  socket.on('data', (bytes: Buffer) => {
    quiet = false;
    text = (text + bytes.toString()).slice(-mostOutput);
  });
  socket.on('error', () => undefined);
  const settled = async () => {
    do {
      quiet = true;
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    } while (!quiet && !socket.closed);
    socket.destroy();
  };
  return { settled, text: () => text };
}

async function ended(child: number, { timeout }: Hook): Promise<Omit<HookEnd, 'output'>> {
  let timedOut = false;
  const patience =
    timeout == null
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          // With what it started itself; our child: its pid is its own until we have waited.
          process.kill(-child, 'SIGKILL');
        }, timeout * 1000);
  const { exitCode, signal } = await waitChild(child);
  clearTimeout(patience);
  if (signal === 0) return { exitCode, signal: null, timedOut };
  return { exitCode: null, signal: `signal ${signal}`, timedOut };
}
