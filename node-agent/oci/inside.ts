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
    return { ...(await ended(child, hook)), output: await output };
  };

/** A file that only its descriptor leads to: a program may open /dev/stdin again, which a socket would not let it. */
function stateFile(directory: string, document: string): number {
  const path = `${directory}/hook-state`;
  writeFileSync(path, document, { mode: 0o600 });
  const fd = openSync(path, 'r');
  unlinkSync(path);
  return fd;
}

async function read(descriptor: number): Promise<string> {
  const socket = new Socket({ fd: descriptor });
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text = (text + bytes.toString()).slice(-mostOutput);
  });
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
  });
  return text;
}

async function ended(child: number, { timeout }: Hook): Promise<Omit<HookEnd, 'output'>> {
  let timedOut = false;
  const patience =
    timeout == null
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          process.kill(child, 'SIGKILL'); // our child: its pid is its own until we have waited
        }, timeout * 1000);
  const { exitCode, signal } = await waitChild(child);
  clearTimeout(patience);
  if (signal === 0) return { exitCode, signal: null, timedOut };
  return { exitCode: null, signal: `signal ${signal}`, timedOut };
}
