/**
 * Processes made for somebody else: who started us (conmon, containerd's shim) gets them as children.
 * `src/protocol.h` draws what is said.
 */

import { closeSync } from 'node:fs';
import { decodeFailed, decodeStarted, type Failed, frame } from './frames.ts';
import { loadAddon, supervisorPath } from './load.ts';
import { joined, reap, type Step } from './spawn.ts';

export const handOverFlag = { exec: 1, gate: 2, hooks: 4, console: 8, idle: 16 } as const;

export interface HandOverOrder {
  /** Where the supervisor works; a container's gate, the socket `gate`, is made there. */
  readonly directory: string;
  /** Shown by ps. */
  readonly id: string;
  readonly before?: readonly Step[];
  readonly meanwhile?: readonly Step[];
  /** From `encodeContainer`, or `encodeProcess` with a pidfd. */
  readonly spec: Uint8Array;
  /** Of a process in the container that the new one joins; without it a container is made. */
  readonly pidfd?: number;
  /** stdin, stdout and stderr of the program; of no use with a terminal. */
  readonly stdio: readonly [number, number, number];
  /** A socket that wants the master of the program's terminal. */
  readonly console?: number;
  /** `pidfd`: a socket that wants the listener of the process's seccomp program. */
  readonly notify?: number;
  /** What becomes the program's descriptors 3, 4, … */
  readonly preserved?: readonly number[];
  /** There is no program: the process only waits at its gate. */
  readonly idle?: boolean;
  /**
   * Run when namespaces and mounts are made and the root is not changed yet; `pid` is the new process, which waits in
   * its namespaces. When it rejects, the process is ended and so does `handOver`.
   */
  readonly hooks?: (pid: number) => Promise<void>;
}

/** The supervisor could not do what it was asked. */
export class HandOverError extends Error {
  override readonly name = 'HandOverError';
  readonly failure: Failed;
  constructor(failure: Failed) {
    super(`${failure.what} ${failure.path}`);
    this.failure = failure;
  }
}

interface Face {
  sealedCopy(path: string): number;
  startHandOver(
    executable: number,
    directory: string,
    id: string,
    before: string,
    meanwhile: string,
    order: Uint8Array,
    given: readonly number[],
  ): Promise<{ pid: number; socket: number; frame: Buffer }>;
  goOn(socket: number): Promise<Buffer>;
}

const headerBytes = 8;

function encodeOrder(order: HandOverOrder): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(
    (order.pidfd === undefined ? handOverFlag.gate : handOverFlag.exec) |
      (order.hooks === undefined ? 0 : handOverFlag.hooks) |
      (order.console === undefined ? 0 : handOverFlag.console) |
      (order.idle === true ? handOverFlag.idle : 0),
    0,
  );
  head.writeUInt32LE(order.preserved?.length ?? 0, 4);
  return Buffer.concat([head, order.spec]);
}

/**
 * Makes a container whose first process waits at its gate, or a process in a container. Resolves with its pid: it is a
 * child of this process, and of whoever takes in our orphans once we have ended.
 * @throws HandOverError when the supervisor could not; NativeError when a step failed
 */
export async function handOver(order: HandOverOrder): Promise<number> {
  const addon = loadAddon<Face>();
  const {
    pid,
    socket,
    frame: first,
  } = await addon.startHandOver(
    addon.sealedCopy(supervisorPath),
    order.directory,
    order.id,
    joined(order.before ?? []),
    joined(order.meanwhile ?? []),
    encodeOrder(order),
    [
      order.pidfd ?? -1,
      ...order.stdio,
      order.console ?? -1,
      order.notify ?? -1,
      ...(order.preserved ?? []),
    ],
  );
  try {
    return await startedPid(addon, socket, first, order);
  } finally {
    closeSync(socket);
    await reap(pid);
  }
}

async function startedPid(addon: Face, socket: number, first: Buffer, order: HandOverOrder) {
  let answer = first;
  if (answer[4] === frame.prepared) {
    await order.hooks?.(answer.readUInt32LE(headerBytes));
    answer = await addon.goOn(socket);
  }
  const payload = answer.subarray(headerBytes);
  if (answer[4] !== frame.started) {
    const failure = decodeFailed(payload);
    // As long as its status is not taken, the container it was to join cannot end.
    if (failure.child !== 0) await reap(failure.child);
    throw new HandOverError(failure);
  }
  return decodeStarted(payload).pid;
}

const whatBytes = 48;

/** What comes from a gate when the program could not be run (protocol.h); undefined: it runs. */
export function decodeGate(bytes: Buffer): Failed | undefined {
  if (bytes.length === 0) return;
  const text = (from: number, to: number) =>
    bytes.toString('utf8', from, to).split('\0', 1)[0] ?? '';
  return {
    errno: bytes.readUInt32LE(0),
    exitCode: bytes.readUInt32LE(4),
    what: text(8, 8 + whatBytes),
    path: text(8 + whatBytes, bytes.length),
    child: 0,
  };
}
