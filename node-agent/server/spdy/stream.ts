/** One stream of a SPDY connection: what it carries both ways, half closes included. */
import { Duplex } from 'node:stream';
import type { Headers } from './header-block.ts';

/** What a stream asks of its connection. */
export interface Sending {
  /** Calls back when the bytes have left for the kernel. */
  data(stream: number, bytes: Buffer, end: boolean, done: (error?: Error | null) => void): void;
  /** The stream is over; `broken`: before both sides were done. */
  over(stream: number, broken: boolean): void;
}

/** So much waits for a slow reader; then the client's connection is not read from. */
const waitingBytes = 256 * 1024;
const frameBytes = 32 * 1024;

export class SpdyStream extends Duplex {
  readonly number: number;
  readonly headers: Headers;
  readonly #sending: Sending;
  #room: (() => void) | undefined;
  #ended = false;

  constructor(number: number, headers: Headers, sending: Sending) {
    super({ allowHalfOpen: true, readableHighWaterMark: waitingBytes });
    this.number = number;
    this.headers = headers;
    this.#sending = sending;
    this.on('error', () => undefined); // `close` tells all there is to tell.
  }

  /** Takes bytes of the client; resolves when there is room for more. */
  async deliver(bytes: Buffer): Promise<void> {
    if (this.#ended || this.destroyed || bytes.length === 0 || this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
  }

  /** The client has nothing more. */
  finishReading(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(null);
  }

  override _read(): void {
    this.#room?.();
    this.#room = undefined;
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    const rest = chunk.subarray(frameBytes);
    const next =
      rest.length === 0
        ? done
        : (error?: Error | null) => {
            if (error) done(error);
            else this._write(rest, _, done);
          };
    this.#sending.data(this.number, chunk.subarray(0, frameBytes), false, next);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sending.data(this.number, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#room?.();
    const whole = this.#ended && this.writableFinished;
    this.#sending.over(this.number, !whole);
    done(error);
  }
}
