/** A small SPDY/3.1 client, as kubectl is one: opens streams with headers, reads and writes them. */
import type { Duplex } from 'node:stream';
import { constants, createDeflate, type Deflate } from 'node:zlib';
import { dictionary } from '#node-agent/server/spdy/dictionary.ts';
import {
  controlFrame,
  dataFrame,
  FrameReader,
  type,
  words,
} from '#node-agent/server/spdy/frames.ts';

export class ClientStream {
  readonly id: number;
  readonly #client: SpdyClient;
  text = '';
  readonly ended = Promise.withResolvers<string>();
  reset = false;

  constructor(id: number, client: SpdyClient) {
    this.id = id;
    this.#client = client;
  }

  write(bytes: string | Buffer): void {
    this.#client.send(dataFrame(this.id, Buffer.from(bytes)));
  }

  end(): void {
    this.#client.send(dataFrame(this.id, Buffer.alloc(0), 1));
  }
}

export class SpdyClient {
  readonly #socket: Duplex;
  readonly #deflate: Deflate;
  #packed: Buffer[] = [];
  #next = 1;
  readonly streams = new Map<number, ClientStream>();
  replies = 0;
  goneAway = false;
  readonly closed: Promise<unknown>;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#deflate = createDeflate({ dictionary });
    this.#deflate.on('data', (chunk: Buffer) => this.#packed.push(chunk));
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    const reader = new FrameReader();
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) this.#take(frame);
    });
  }

  #take({
    control,
    stream,
    flags,
    payload,
  }: ReturnType<FrameReader['read']> extends Generator<infer F> ? F : never) {
    if (control === type.synReply) this.replies++;
    if (control === type.goAway) this.goneAway = true;
    if (control === type.rstStream) {
      const found = this.streams.get(payload.readUInt32BE(0));
      if (found !== undefined) found.reset = true;
      found?.ended.resolve(found.text);
    }
    if (control !== undefined) return;
    const found = this.streams.get(stream);
    if (found === undefined) return;
    found.text += payload.toString();
    if ((flags & 1) !== 0) found.ended.resolve(found.text);
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  async open(headers: Record<string, string>): Promise<ClientStream> {
    const pairs = Object.entries(headers).flatMap(([name, value]) =>
      [name, value].map((text) =>
        Buffer.concat([words(Buffer.byteLength(text)), Buffer.from(text)]),
      ),
    );
    const plain = Buffer.concat([words(pairs.length / 2), ...pairs]);
    this.#packed = [];
    this.#deflate.write(plain);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    await new Promise(setImmediate);
    const id = this.#next;
    this.#next += 2;
    const stream = new ClientStream(id, this);
    this.streams.set(id, stream);
    const block = Buffer.concat(this.#packed);
    this.send(controlFrame(type.synStream, Buffer.concat([words(id, 0), Buffer.alloc(2), block])));
    return stream;
  }

  close(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }
}
