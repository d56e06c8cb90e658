/** Brings the listener of a process's seccomp filter to who decides (config-linux.md, The Container Process State). */

import { closeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { connectSocket, receiveWithSender, sendDescriptor } from '#native/descriptors.ts';
import type { Listener } from '../container/seccomp/listener.ts';
import type { State } from './state.ts';
import { type Status, specState } from './status.ts';

/** The listener of a process whose filter is loaded, and that process. */
export interface ReceivedListener {
  readonly descriptor: number;
  /** Its number here. */
  readonly sender: number;
}

/** Undefined: it failed before, and says why on the same socket. */
export async function receiveListener(socket: number): Promise<ReceivedListener | undefined> {
  try {
    return await receiveWithSender(socket);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return;
    throw error;
  }
}

/**
 * One connection a listener, with the state of its process. The listener is ours no more.
 * @throws Error naming the socket that nobody listens on: every call that is asked about fails then
 */
export function bringListener(
  listener: ReceivedListener,
  to: Listener,
  about: { readonly state: State; readonly status: Status },
): void {
  const { state, status } = about;
  const document = {
    ociVersion: state.ociVersion,
    fds: ['seccompFd'],
    pid: listener.sender,
    metadata: to.metadata,
    state: specState(state, status),
  };
  let socket = -1;
  try {
    socket = connectSocket(dirname(to.path), basename(to.path));
    sendDescriptor(socket, listener.descriptor, JSON.stringify(document));
  } catch (cause) {
    const why = (cause as Error).message;
    throw new Error(`linux.seccomp.listenerPath: nobody takes the listener: ${why}`, { cause });
  } finally {
    closeSync(listener.descriptor);
    if (socket >= 0) closeSync(socket);
  }
}
