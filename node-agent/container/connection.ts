/** A connection to a supervisor: frames out, frames in, answers in the order of their questions. */

import { Socket } from 'node:net';
import { Channel, type ChannelEvents, reachSupervisor } from '#native/channel.ts';
import { encodeFrame, type Frame, FrameReader, frame } from '#native/frames.ts';

export interface ConnectionEvents {
  /** Every frame but the answers to `request`. */
  readonly frame: (frame: Frame) => void;
  /** The other end is gone; called once. */
  readonly closed: () => void;
}

/** What carries the bytes. */
interface Transport {
  /** False: the other end is slow, wait for `drained` before sending much more. */
  send(bytes: Uint8Array): boolean;
  drained(callback: () => void): void;
  pause(): void;
  resume(): void;
  close(): void;
}

/** For a container's control: a few bytes now and then. */
function quiet(channel: Channel): Transport {
  return {
    send: (bytes) => {
      channel.send(bytes);
      return true;
    },
    drained: (callback) => callback(),
    pause: () => undefined,
    resume: () => undefined,
    close: () => channel.close(),
  };
}

/** For sessions: streams with back-pressure. */
function busy(socket: Socket, { data, closed }: ChannelEvents): Transport {
  socket.on('data', data);
  // What goes wrong with a local socket is that its other end is gone: `close` follows.
  socket.on('error', () => undefined);
  socket.on('close', closed);
  return {
    send: (bytes) => socket.write(bytes),
    drained: (callback) => socket.once('drain', callback),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.destroy(),
  };
}

export class SupervisorConnection {
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #answers: ((payload: Buffer | undefined) => void)[] = [];
  readonly #early: Frame[] = [];
  #events: ConnectionEvents | undefined;
  #closed = false;

  private constructor(transportOf: (events: ChannelEvents) => Transport) {
    this.#transport = transportOf({
      data: (bytes) => {
        for (const received of this.#reader.push(bytes)) this.#received(received);
      },
      closed: () => this.#end(),
    });
  }

  /** Takes over a descriptor, as `startSupervisor` gives it, for control. */
  static adopt(descriptor: number): SupervisorConnection {
    return new SupervisorConnection((events) => quiet(Channel.adopt(descriptor, events)));
  }

  /**
   * Connects to the supervisor of a state directory, for control.
   * @throws NativeError ENOENT or ECONNREFUSED when there is none
   */
  static control(directory: string): SupervisorConnection {
    return new SupervisorConnection((events) => quiet(Channel.connect(directory, events)));
  }

  /**
   * Connects to the supervisor of a state directory, for a session that begins with `first`: on its way before this
   * returns.
   * @throws NativeError ENOENT or ECONNREFUSED when there is none
   */
  static session(directory: string, first: Buffer): SupervisorConnection {
    const { descriptor, sent } = reachSupervisor(directory, first);
    const socket = new Socket({ fd: descriptor, readable: true, writable: true });
    const connection = new SupervisorConnection((events) => busy(socket, events));
    if (sent < first.length) connection.sendEncoded(first.subarray(sent));
    return connection;
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
    return this.#closed || this.#transport.send(encodeFrame(type, payload));
  }

  /** Sends bytes that `encodeNumbers` or `encodeFrame` made. */
  sendEncoded(bytes: Buffer): void {
    if (!this.#closed) this.#transport.send(bytes);
  }

  drained(callback: () => void): void {
    if (this.#closed) callback();
    else this.#transport.drained(callback);
  }

  /** Sends a request that is answered by `done`; resolves with its errno, or undefined if the supervisor is gone. */
  async request(bytes: Buffer): Promise<number | undefined> {
    this.sendEncoded(bytes);
    return (await this.answer())?.readUInt32LE(4);
  }

  /** The payload of `done` for a request which was sent already. */
  answer(): Promise<Buffer | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  close(): void {
    if (!this.#closed) this.#transport.close();
  }

  #received(received: Frame): void {
    if (received.type === frame.done) {
      this.#answers.shift()?.(received.payload);
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
