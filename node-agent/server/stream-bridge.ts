/** Joins a process's session with a WebSocket: no more than one message a stream is ever on its way. */
import type { Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Session, TerminalSize } from '#node-agent/container/runtime.ts';
import type { Bridge } from './bridge.ts';
import {
  type ChannelProtocol,
  channel,
  decodeMessage,
  type ExecStatus,
  encodeMessage,
  parseResize,
  statusBytes,
} from './channels.ts';

export interface BridgeOptions {
  readonly protocol: ChannelProtocol;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A client with a terminal tells its size at once; one that does not is not waited for longer. */
const sizeMs = 50;

export class StreamBridge implements Bridge {
  readonly #socket: WebSocket;
  readonly #options: BridgeOptions;
  /** What the client sent before there was a session. */
  readonly #early: Buffer[] = [];

  constructor(socket: WebSocket, options: BridgeOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Tells the client that its streams stand, as Kubernetes does: an empty message on the first of them. */
  async open(): Promise<void> {
    const { stdout, stderr } = this.#options;
    const first = stdout ? channel.stdout : stderr ? channel.stderr : channel.error;
    await this.#send(first, Buffer.alloc(0));
  }

  /**
   * The size that the client's terminal has: a program that asks for it first thing must not find none. `undefined` if
   * the client does not tell it soon.
   */
  firstSize(): Promise<TerminalSize | undefined> {
    return new Promise((resolve) => {
      const finish = (size?: TerminalSize) => {
        clearTimeout(timer);
        this.#socket.pause();
        this.#socket.off('message', receive);
        resolve(size);
      };
      const timer = setTimeout(finish, sizeMs);
      const receive = (data: Buffer) => {
        const message = decodeMessage(this.#options.protocol, data);
        const size = message?.number === channel.resize ? parseResize(message.bytes) : undefined;
        if (size === undefined) this.#early.push(data);
        else finish(size);
      };
      this.#socket.on('message', receive);
      this.#socket.resume();
    });
  }

  /** Carries everything both ways until the process has ended and all it wrote is sent. Resolves with the exit code. */
  async join(session: Session): Promise<number> {
    this.#socket.on('message', (data) => this.#receive(session, data as Buffer));
    this.#socket.on('close', () => session.close());
    this.#socket.on('error', () => session.close());
    session.stdin?.on('error', () => undefined);
    for (const data of this.#early.splice(0)) this.#receive(session, data);
    // Paused since the upgrade, so that nothing the client sent early is lost.
    this.#socket.resume();
    const { stdout, stderr } = this.#options;
    await Promise.all([
      this.#copy(session.stdout, stdout ? channel.stdout : undefined),
      this.#copy(session.stderr, stderr ? channel.stderr : undefined),
    ]);
    return session.exitCode;
  }

  /** Something to read for whoever sits before the terminal. */
  async complain(message: string): Promise<void> {
    const { stdout, stderr } = this.#options;
    const text = Buffer.from(`${message}\n`);
    if (stderr) await this.#send(channel.stderr, text);
    else if (stdout) await this.#send(channel.stdout, text);
  }

  /** The last message, then the end of the connection. */
  async finish(status: ExecStatus): Promise<void> {
    const bytes = statusBytes(this.#options.protocol, status);
    if (bytes.length > 0) await this.#send(channel.error, bytes);
    // Still paused if there never was a session; the client's answer to the close must be read.
    this.#socket.resume();
    this.#socket.close(1000);
  }

  async #copy(stream: Readable, to: number | undefined): Promise<void> {
    try {
      for await (const chunk of stream) {
        if (to !== undefined) await this.#send(to, chunk as Buffer);
      }
    } catch {
      // The session was closed under the reader: its exit code says the rest.
    }
  }

  /** Resolves when the message has left for the kernel: that is what slows a fast process down to a slow client. */
  #send(number: number, bytes: Buffer): Promise<void> {
    const message = encodeMessage(this.#options.protocol, number, bytes);
    return new Promise((resolve) => {
      if (this.#socket.readyState !== this.#socket.OPEN) resolve();
      else this.#socket.send(message, () => resolve());
    });
  }

  #receive(session: Session, data: Buffer): void {
    const message = decodeMessage(this.#options.protocol, data);
    if (message === undefined) return;
    const { number, bytes } = message;
    if (number === channel.stdin) this.#input(session, bytes);
    else if (number === channel.resize) {
      const size = parseResize(bytes);
      if (size !== undefined) session.resize(size.columns, size.rows);
    } else if (number === channel.close && bytes[0] === channel.stdin) session.stdin?.end();
  }

  #input(session: Session, bytes: Buffer): void {
    const { stdin } = session;
    if (stdin === undefined || !stdin.writable || bytes.length === 0) return;
    if (stdin.write(bytes)) return;
    this.#socket.pause();
    const resume = () => this.#socket.resume();
    stdin.once('drain', resume);
    stdin.once('close', resume);
  }
}
