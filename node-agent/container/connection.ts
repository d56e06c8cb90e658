/** A connection to a supervisor: frames out, frames in, answers in the order of their questions. */

import { closeSync, constants, openSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { encodeFrame, type Frame, FrameReader, frame } from '#native/frames.ts';

export interface ConnectionEvents {
  /** Every frame but the answers to `request`. */
  readonly frame: (frame: Frame) => void;
  /** The other end is gone; called once. */
  readonly closed: () => void;
}

/** Where a supervisor listens: its socket in the container's state directory. */
export const socketName = 'ctl.sock';

export class SupervisorConnection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #answers: ((errno: number | undefined) => void)[] = [];
  #events: ConnectionEvents | undefined;
  readonly #early: Frame[] = [];
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      for (const received of this.#reader.push(bytes)) this.#received(received);
    });
    // What goes wrong with a local socket is that its other end is gone: `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
  }

  /** Takes over a descriptor, as `startSupervisor` gives it. */
  static adopt(fd: number): SupervisorConnection {
    return new SupervisorConnection(new Socket({ fd, readable: true, writable: true }));
  }

  /**
   * Connects to the supervisor of a state directory. A path over the 107 bytes that socket addresses hold goes through
   * a descriptor of the directory.
   * @throws an error with code ENOENT or ECONNREFUSED when there is none.
   */
  static async connect(directory: string): Promise<SupervisorConnection> {
    const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect(`/proc/self/fd/${fd}/${socketName}`);
        socket.once('error', reject);
        socket.once('connect', () => {
          socket.off('error', reject);
          resolve(new SupervisorConnection(socket));
        });
      });
    } finally {
      closeSync(fd);
    }
  }

  /** Says who hears of frames and the end; what came before is told now. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
    // One at a time: who hears a frame may stop listening.
    while (this.#events === events) {
      const early = this.#early.shift();
      if (early === undefined) break;
      events.frame(early);
    }
    if (this.#closed && this.#events === events) events.closed();
  }

  /** The next frame alone, or undefined when the other end goes first; what follows waits for `listen`. */
  next(): Promise<Frame | undefined> {
    return new Promise((resolve) => {
      this.listen({
        frame: (received) => {
          this.#events = undefined;
          resolve(received);
        },
        closed: () => resolve(undefined),
      });
    });
  }

  /** False: the other end is slow, wait for `drained` before sending much more. */
  send(type: number, payload?: Uint8Array): boolean {
    return this.#closed || this.#socket.write(encodeFrame(type, payload));
  }

  /** Sends bytes that `encodeNumbers` or `encodeFrame` made. */
  sendEncoded(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes);
  }

  drained(callback: () => void): void {
    if (this.#closed) callback();
    else this.#socket.once('drain', callback);
  }

  /** Sends a request that is answered by `done`; resolves with its errno, or undefined if the supervisor is gone. */
  request(bytes: Buffer): Promise<number | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    this.#socket.write(bytes);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(received: Frame): void {
    if (received.type === frame.done) {
      this.#answers.shift()?.(received.payload.readUInt32LE(4));
      return;
    }
    if (this.#events === undefined) this.#early.push(received);
    else this.#events.frame(received);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const answer of this.#answers.splice(0)) answer(undefined);
    this.#events?.closed();
  }
}
