/**
 * The server's side of a SPDY/3.1 connection, as kubectl opens one: it opens streams, we answer them. There are no
 * windows: Kubernetes' clients neither keep nor expect any. Whoever is slow slows its connection down, by TCP.
 */
import type { Duplex } from 'node:stream';
import {
  controlFrame,
  dataFrame,
  type Frame,
  FrameReader,
  flagFin,
  ProtocolError,
  type,
  words,
} from './frames.ts';
import { emptyBlock, HeaderReader } from './header-block.ts';
import { SpdyStream } from './stream.ts';

/** More than one client needs: port-forward opens two a connection. */
const streamsMax = 1024;
const cancel = 5;
const refused = 3;

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #reader = new FrameReader();
  readonly #headers = new HeaderReader();
  readonly #onStream: (stream: SpdyStream) => void;
  #last = 0;
  #answered = false;
  readonly closed: Promise<void>;

  /** `onStream`: called for each stream the client opens, before it is answered. */
  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#headers.close();
      for (const stream of this.#streams.values()) stream.destroy();
      resolve();
    });
    void this.#run();
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Says good-bye after all that was written is sent. */
  close(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.end(controlFrame(type.goAway, words(this.#last, 0)));
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #run(): Promise<void> {
    try {
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
        for (const frame of this.#reader.read(chunk as Buffer)) await this.#take(frame);
      }
      // The client sends nothing more at all: so do its streams.
      for (const stream of this.#streams.values()) stream.finishReading();
    } catch {
      // Broken off, or not SPDY: there is nobody to tell.
      this.#socket.destroy();
    }
  }

  async #take({ control, stream, flags, payload }: Frame): Promise<void> {
    if (control === undefined) return this.#data(stream, payload, flags);
    switch (control) {
      case type.synStream:
        return this.#open(payload, flags);
      case type.rstStream:
        this.#streams.get(number(payload, 0))?.destroy();
        return;
      case type.ping:
        this.#write(controlFrame(type.ping, payload));
        return;
      case type.headers:
        // Unpacked all the same: the next block builds on it.
        await this.#headers.read(payload.subarray(4));
        return;
      default:
        return;
    }
  }

  async #data(number: number, payload: Buffer, flags: number): Promise<void> {
    const stream = this.#streams.get(number);
    await stream?.deliver(payload);
    if ((flags & flagFin) !== 0) stream?.finishReading();
  }

  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = number(payload, 0) & 0x7fff_ffff;
    const headers = await this.#headers.read(payload.subarray(10));
    if (id <= this.#last || id % 2 === 0) throw new ProtocolError(`stream ${id}`);
    this.#last = id;
    if (this.#streams.size >= streamsMax) {
      this.#write(controlFrame(type.rstStream, words(id, refused)));
      return;
    }
    const stream = new SpdyStream(id, headers, {
      data: (to, bytes, end, done) => {
        if (this.#socket.destroyed) done(new Error('the connection is closed'));
        else this.#socket.write(dataFrame(to, bytes, end ? flagFin : 0), done);
      },
      over: (which, broken) => {
        this.#streams.delete(which);
        if (broken) this.#write(controlFrame(type.rstStream, words(which, cancel)));
      },
    });
    this.#streams.set(id, stream);
    const block = emptyBlock({ first: !this.#answered });
    this.#answered = true;
    this.#write(controlFrame(type.synReply, Buffer.concat([words(id), block])));
    if ((flags & flagFin) !== 0) stream.finishReading();
    this.#onStream(stream);
  }

  #write(frame: Buffer): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(frame);
  }
}

function number(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw new ProtocolError('a frame ends early');
  return payload.readUInt32BE(at);
}
