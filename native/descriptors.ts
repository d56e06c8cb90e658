/** What Node cannot do with descriptors and processes; each throws, or rejects with, NativeError. */

import { loadAddon } from './load.ts';

interface Face {
  lockDirectory(path: string): Promise<number>;
  tryLockFile(path: string): number;
  connectSocket(directory: string, name: string): number;
  socketPair(): readonly [number, number];
  receiveDescriptor(socket: number): Promise<readonly [descriptor: number, sender: number]>;
  sendDescriptor(socket: number, descriptor: number, text: string): void;
  resizeTerminal(terminal: number, columns: number, rows: number): void;
  openPidfd(pid: number): number;
  signalPidfd(pidfd: number, signal: number): void;
  waitChild(pid: number): Promise<number>;
}

/** Waits for the exclusive lock of a directory; it lasts until the descriptor is closed or we end. */
export const lockDirectory = (path: string): Promise<number> =>
  loadAddon<Face>().lockDirectory(path);

/** The exclusive lock of a file, made if missing, until the descriptor is closed or we end; undefined: somebody has it. */
export function tryLockFile(path: string): number | undefined {
  const descriptor = loadAddon<Face>().tryLockFile(path);
  return descriptor < 0 ? undefined : descriptor;
}

/** A descriptor connected to the socket `name` in a directory, however long its path. */
export const connectSocket = (directory: string, name: string): number =>
  loadAddon<Face>().connectSocket(directory, name);

/** The two ends of a connection. */
export const socketPair = (): readonly [number, number] => loadAddon<Face>().socketPair();

/** Sends a descriptor together with text, which is not to be longer than a message. */
export const sendDescriptor = (socket: number, descriptor: number, text: string): void =>
  loadAddon<Face>().sendDescriptor(socket, descriptor, text);

/** The descriptor that is sent on a socket. @throws NativeError ECONNRESET when something else, or the end, comes */
export const receiveDescriptor = async (socket: number): Promise<number> =>
  (await receiveWithSender(socket)).descriptor;

/** The same with the process that sent it, by its number here; begin before it can. */
export async function receiveWithSender(
  socket: number,
): Promise<{ readonly descriptor: number; readonly sender: number }> {
  const [descriptor, sender] = await loadAddon<Face>().receiveDescriptor(socket);
  return { descriptor, sender };
}

/** Tells a terminal, by its master, how large its window is. */
export const resizeTerminal = (terminal: number, columns: number, rows: number): void =>
  loadAddon<Face>().resizeTerminal(terminal, columns, rows);

/** A descriptor that names a process for good. */
export const openPidfd = (pid: number): number => loadAddon<Face>().openPidfd(pid);

/** Sends a signal to the process a pidfd names. */
export const signalPidfd = (pidfd: number, signal: number): void =>
  loadAddon<Face>().signalPidfd(pidfd, signal);

/** How a child that Node does not know of ended. */
export async function waitChild(
  pid: number,
): Promise<{ readonly exitCode: number; readonly signal: number }> {
  const status = await loadAddon<Face>().waitChild(pid);
  const signal = status & 0x7f;
  return { exitCode: signal === 0 ? (status >> 8) & 0xff : 128 + signal, signal };
}
