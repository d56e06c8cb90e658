/** Joins a process's session with the streams of a SPDY connection: each names in a header what it carries. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Session, TerminalSize } from '#node-agent/container/runtime.ts';
import type { Bridge, Wanted } from './bridge.ts';
import { type ChannelProtocol, type ExecStatus, parseResize, statusBytes } from './channels.ts';
import { SpdyConnection } from './spdy/connection.ts';
import type { SpdyStream } from './spdy/stream.ts';

/** Kubelet's `--streaming-connection-idle-timeout` for streams that never come. */
const openingMs = 30_000;
const sizeMs = 50;
/** A client that got everything closes; one that does not is not waited for. */
const closingMs = 5_000;

export class SpdyBridge implements Bridge {
  readonly #connection: SpdyConnection;
  readonly #protocol: ChannelProtocol;
  readonly #missing: Set<string>;
  readonly #streams = new Map<string, SpdyStream>();
  readonly #complete = Promise.withResolvers<void>();
  #size: TerminalSize | undefined;
  #onSize: (size: TerminalSize) => void = () => undefined;

  constructor(
    socket: ConstructorParameters<typeof SpdyConnection>[0],
    { protocol, ...wanted }: Wanted & { readonly protocol: ChannelProtocol },
  ) {
    this.#protocol = protocol;
    const resizes = wanted.tty && protocol.version >= 3;
    const outputs = (['stdin', 'stdout', 'stderr'] as const).filter((name) => wanted[name]);
    this.#missing = new Set(['error', ...outputs, ...(resizes ? ['resize'] : [])]);
    this.#connection = new SpdyConnection(socket, (stream) => this.#take(stream));
  }

  async open(): Promise<void> {
    const late = setTimeout(() => {
      const missing = [...this.#missing].join(', ');
      this.#complete.reject(new Error(`the client did not open its streams: ${missing}`));
    }, openingMs);
    const gone = this.#connection.closed.then(() => {
      throw new Error('the client left before its streams were open');
    });
    try {
      await Promise.race([this.#complete.promise, gone]);
    } catch (error) {
      this.#connection.destroy();
      throw error;
    } finally {
      clearTimeout(late);
      gone.catch(() => undefined);
    }
  }

  #take(stream: SpdyStream): void {
    const name = stream.headers.get('streamtype') ?? '';
    if (!this.#missing.delete(name)) {
      stream.destroy();
      return;
    }
    this.#streams.set(name, stream);
    if (name === 'resize') void this.#followSizes(stream);
    if (this.#missing.size === 0) this.#complete.resolve();
  }

  /** Sizes come as JSON documents one after the other. */
  async #followSizes(stream: SpdyStream): Promise<void> {
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const end = text.lastIndexOf('}');
      if (end < 0 || text.length > 1024) {
        if (text.length > 1024) stream.destroy();
        return;
      }
      const start = text.lastIndexOf('{', end);
      const size = parseResize(Buffer.from(text.slice(start, end + 1)));
      text = text.slice(end + 1);
      if (size === undefined) return;
      this.#size = size;
      this.#onSize(size);
    });
  }

  firstSize(): Promise<TerminalSize | undefined> {
    if (this.#size !== undefined) return Promise.resolve(this.#size);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), sizeMs);
      this.#onSize = (size) => {
        clearTimeout(timer);
        resolve(size);
      };
    });
  }

  async join(session: Session): Promise<number> {
    this.#onSize = ({ columns, rows }) => session.resize(columns, rows);
    void this.#connection.closed.then(() => session.close());
    session.stdin?.on('error', () => undefined);
    const input = this.#streams.get('stdin');
    if (input !== undefined && session.stdin !== undefined) {
      // What the process no longer reads, or a client that leaves: `closed` and the exit code say the rest.
      void pipeline(input, session.stdin).catch(() => undefined);
    }
    await Promise.all([
      copy(session.stdout, this.#streams.get('stdout')),
      copy(session.stderr, this.#streams.get('stderr')),
    ]);
    return session.exitCode;
  }

  async complain(message: string): Promise<void> {
    const stream = this.#streams.get('stderr') ?? this.#streams.get('stdout');
    stream?.write(`${message}\n`);
  }

  async finish(status: ExecStatus): Promise<void> {
    const error = this.#streams.get('error');
    const bytes = statusBytes(this.#protocol, status);
    if (error !== undefined && bytes.length > 0) error.write(bytes);
    for (const name of ['stdout', 'stderr', 'error', 'stdin', 'resize']) {
      this.#streams.get(name)?.end();
    }
    if (error !== undefined) await finished(error, { readable: false }).catch(() => undefined);
    const cut = setTimeout(() => this.#connection.destroy(), closingMs);
    this.#connection.close();
    await this.#connection.closed;
    clearTimeout(cut);
  }
}

/** All of `from`; with no stream to write to it is read and dropped, so that the process goes on. */
async function copy(from: Readable, to: SpdyStream | undefined): Promise<void> {
  try {
    for await (const chunk of from) {
      if (to === undefined || to.destroyed || to.write(chunk)) continue;
      await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
  } catch {
    // The session was closed under the reader: its exit code says the rest.
  }
}
