/** A proxy between a client and a server on a Unix socket, which cuts, stalls and loses on demand. */
import { rmSync } from 'node:fs';
import net from 'node:net';
import type { Test } from 'tap';

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

export class FaultyProxy {
  /** What to connect to: `unix:/abs/path`. */
  readonly endpoint: string;
  readonly #pairs = new Set<Pair>();
  readonly #listener: net.Server;
  #laterMs: (() => number) | undefined;
  #losing = false;
  #refusing = false;
  #responseBytesLeft = Number.POSITIVE_INFINITY;
  #wasCut = Promise.withResolvers<void>();
  /** How much was answered and lost. */
  lostBytes = 0;
  /** How many connections were made through it. */
  connections = 0;

  private constructor(path: string, target: string) {
    this.endpoint = `unix:${path}`;
    this.#listener = net.createServer((client) => this.#accept(client, target));
  }

  /** Listens on `path` and forwards to the Unix socket `target`, until the test ends. */
  static async listen(
    t: Pick<Test, 'teardown'>,
    path: string,
    target: string,
  ): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(path, target);
    await new Promise<void>((resolve) => proxy.#listener.listen(path, resolve));
    t.teardown(async () => {
      proxy.cut();
      await new Promise((resolve) => proxy.#listener.close(resolve));
      rmSync(path, { force: true });
    });
    return proxy;
  }

  /** Breaks all connections. New ones can be made. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Breaks, once, the connection that carries the so-manieth answered byte from now on; resolves when it did. */
  cutAfter(responseBytes: number): Promise<void> {
    this.#responseBytesLeft = responseBytes;
    this.#wasCut = Promise.withResolvers();
    return this.#wasCut.promise;
  }

  /** Nothing gets through the connections there are, in either direction; they stay open. New ones work. */
  stall(): void {
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  /**
   * What comes from now on is passed on so much later (milliseconds, asked for each piece), in its order on each connection
   * and direction, but not in that between them.
   */
  delay(laterMs: () => number): void {
    this.#laterMs = laterMs;
  }

  /** Requests get through, answers are lost. */
  loseResponses(): void {
    this.#losing = true;
  }

  /** Breaks all connections and lets no new one stand. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Connections made from now on work. Those that lost something are broken. */
  heal(): void {
    this.#losing = false;
    this.#refusing = false;
    this.#responseBytesLeft = Number.POSITIVE_INFINITY;
    this.cut();
  }

  #accept(client: net.Socket, target: string): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
    this.connections++;
    const pair: Pair = { client, server: net.connect(target) };
    const { server } = pair;
    this.#pairs.add(pair);
    const inTurn = { asked: Promise.resolve(), answered: Promise.resolve() };
    client.on('data', (bytes) => {
      inTurn.asked = this.#later(inTurn.asked, () => server.destroyed || server.write(bytes));
    });
    server.on('data', (bytes) => {
      inTurn.answered = this.#later(inTurn.answered, () => this.#answer(pair, bytes));
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  /** Passes a piece on behind the ones before it; at once where nothing is delayed. */
  #later(before: Promise<void>, pass: () => unknown): Promise<void> {
    const laterMs = this.#laterMs;
    if (laterMs === undefined) {
      pass();
      return before;
    }
    const pause = new Promise((resolve) => setTimeout(resolve, laterMs()));
    return Promise.all([before, pause]).then(() => void pass());
  }

  #answer({ client, server }: Pair, bytes: Buffer): void {
    if (this.#losing) {
      this.lostBytes += bytes.length;
      return;
    }
    client.write(bytes.subarray(0, Math.max(0, this.#responseBytesLeft)));
    this.#responseBytesLeft -= bytes.length;
    if (this.#responseBytesLeft > 0) return;
    this.#responseBytesLeft = Number.POSITIVE_INFINITY;
    // What was written so far still gets through.
    client.end(() => client.destroy());
    server.destroy();
    this.#wasCut.resolve();
  }
}
