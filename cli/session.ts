/** A terminal or pipes at our end of exec and attach: WebSocket with v5.channel.k8s.io. */
import { WebSocket } from 'ws';
import { type Credentials, loginHeaders, tlsOptions } from '#api/client/credentials.ts';
import { readAll, statusError } from '#api/client/session.ts';
import { DetachKeys } from './detach-keys.ts';

/** Channels of remotecommand (KEP-4006): the first byte of every message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface SessionOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  /** The keys that leave the session; absent: none do. */
  readonly detachKeys?: readonly number[];
  /** Leaves the session, as the keys do. */
  readonly signal?: AbortSignal;
}

/** How long the other end may take to take leave. */
const farewellMs = 2_000;

/** What a session that was left by its detach keys resolves with: no program's exit code. */
export const detachedCode = -1;

const frame = (channel: number, content: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(content)]);

/** The exit code that the closing Status tells; throws its message if the command could not be run. */
function exitCodeOf(text: string): number {
  const status = JSON.parse(text) as {
    status: string;
    message?: string;
    reason?: string;
    details?: { causes?: { reason?: string; message?: string }[] };
  };
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (cause?.message !== undefined) return Number(cause.message);
  throw new Error(status.message ?? status.reason ?? 'the command could not be run');
}

function sendInput(socket: WebSocket, { tty, detachKeys = [] }: SessionOptions, left: () => void) {
  const keys = new DetachKeys(tty ? detachKeys : []);
  process.stdin.on('data', (chunk: Buffer) => {
    const { passed, detached } = keys.take(chunk);
    if (passed.length > 0) socket.send(frame(channels.stdin, passed));
    if (detached) left();
  });
  process.stdin.on('end', () => socket.send(Buffer.from([channels.close, channels.stdin])));
}

function sendSize(socket: WebSocket): void {
  const { columns: Width, rows: Height } = process.stdout;
  if (Width === undefined) return;
  socket.send(frame(channels.resize, JSON.stringify({ Width, Height })));
}

function startInput(socket: WebSocket, options: SessionOptions, left: () => void): void {
  const { stdin, tty } = options;
  if (tty && process.stdout.isTTY) {
    sendSize(socket);
    process.stdout.on('resize', () => sendSize(socket));
  }
  if (!stdin) return;
  if (tty && process.stdin.isTTY) process.stdin.setRawMode(true);
  sendInput(socket, options, left);
}

function stopInput(): void {
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.removeAllListeners().pause();
  process.stdin.unref?.();
}

/** Runs the session to its end; resolves with the remote exit code. */
export function runSession(
  credentials: Credentials,
  path: string,
  options: SessionOptions,
): Promise<number> {
  const { server } = credentials;
  const url = new URL(path, server.replace(/^http/, 'ws'));
  const socket = new WebSocket(url, ['v5.channel.k8s.io'], {
    ...tlsOptions(credentials),
    headers: loginHeaders(credentials),
  });
  return new Promise<number>((done, fail) => {
    options.signal?.addEventListener('abort', () => done(detachedCode));
    socket.on('open', () =>
      startInput(socket, options, () => {
        process.stderr.write('read escape sequence\n');
        // What was typed before the keys must arrive: the other end answers the close after it.
        socket.prependOnceListener('close', () => done(detachedCode));
        socket.close();
        setTimeout(() => done(detachedCode), farewellMs).unref();
      }),
    );
    socket.on('message', (data: Buffer) => {
      const content = data.subarray(1);
      if (data[0] === channels.stdout) process.stdout.write(content);
      else if (data[0] === channels.stderr) process.stderr.write(content);
      else if (data[0] === channels.error) {
        try {
          done(exitCodeOf(content.toString()));
        } catch (error) {
          fail(error);
        }
      }
    });
    socket.on('unexpected-response', (_request, response) => {
      readAll(response).then(
        (body) => fail(statusError(response.statusCode ?? 500, body.toString())),
        fail,
      );
    });
    socket.on('error', (error) => fail(new Error(`connect to ${server}: ${error.message}`)));
    socket.on('close', () => fail(new Error('the connection was lost before the command ended')));
  }).finally(() => {
    stopInput();
    socket.terminate();
  });
}
