/** Terminals: whose master goes to a console socket, or to our own terminal while we wait. */

import { closeSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import {
  connectSocket,
  receiveDescriptor,
  resizeTerminal,
  socketPair,
} from '#native/descriptors.ts';
import { UsageError } from './arguments.ts';

export interface Console {
  /** What the order gets; undefined: no terminal is wanted. */
  readonly socket: number | undefined;
  /** When the process stands: shows its terminal on ours, if it is for us. Gives what ends that. */
  attach(): Promise<() => void>;
  /** Whatever became of it. */
  close(): void;
}

const nothing = () => undefined;

/** @throws UsageError when the flags and the bundle want different things */
export function openConsole(wanted: {
  readonly terminal: boolean;
  readonly socketPath: string | undefined;
  readonly foreground: boolean;
}): Console {
  const { terminal, socketPath, foreground } = wanted;
  if (!terminal) {
    if (socketPath === undefined) {
      return { socket: undefined, attach: async () => nothing, close: nothing };
    }
    throw new UsageError('--console-socket: the process does not ask for a terminal');
  }
  if (socketPath !== undefined) {
    const path = resolve(socketPath);
    const socket = connectSocket(dirname(path), basename(path));
    return { socket, attach: async () => nothing, close: () => closeSync(socket) };
  }
  if (!foreground) {
    throw new UsageError('the process asks for a terminal: --console-socket must say who gets it');
  }
  return ownConsole();
}

function ownConsole(): Console {
  const [ours, theirs] = socketPair();
  return {
    socket: theirs,
    attach: async () => relay(await receiveDescriptor(ours)),
    close: () => {
      closeSync(ours);
      closeSync(theirs);
    },
  };
}

/** Bytes both ways, and our window's size, until the other end has gone. */
async function relay(master: number): Promise<() => void> {
  // Most containers have no terminal, and do not pay for loading it.
  const { ReadStream } = await import('node:tty');
  const terminal = new ReadStream(master);
  const { stdin, stdout } = process;
  const resize = () => resizeTerminal(master, stdout.columns, stdout.rows);
  terminal.on('error', nothing); // EIO: nobody has the other end open any more
  terminal.on('data', (bytes: Buffer) => stdout.write(bytes));
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', (bytes: Buffer) => terminal.write(bytes));
  if (stdout.isTTY) {
    resize();
    process.on('SIGWINCH', resize);
  }
  return () => {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
    process.off('SIGWINCH', resize);
  };
}
