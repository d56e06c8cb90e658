/** The streams of an exec'ed or attached process, over a connection of their own to the supervisor. */

import { Readable, Writable } from 'node:stream';
import { encodeProcess } from '#native/encode.ts';
import {
  chunkBytes,
  decodeExited,
  decodeFailed,
  encodeFrame,
  encodeNumbers,
  execLimitBytes,
  frame,
} from '#native/frames.ts';
import type { WireProcess } from '#native/protocol.ts';
import { SupervisorConnection } from './connection.ts';
import type { Container } from './container.ts';
import { ForeignSupervisor } from './foreign.ts';
import { type AttachedSession, type ExecSpec, type Session, StartError } from './runtime.ts';
import { refusalMessage } from './start.ts';

/** The exit code of a session that was cut: nobody knows. */
const unknownExitCode = 255;

/** What a reader does not take stops the whole connection, so that the supervisor stops reading, too. */
function outputOf(connection: SupervisorConnection): Readable {
  return new Readable({ read: () => connection.resume() });
}

function inputOf(connection: SupervisorConnection): Writable {
  return new Writable({
    highWaterMark: chunkBytes,
    write(chunk: Buffer, _encoding, callback) {
      let flows = true;
      for (let at = 0; at < chunk.length; at += chunkBytes) {
        flows = connection.send(frame.stdin, chunk.subarray(at, at + chunkBytes));
      }
      if (flows) callback();
      else connection.drained(() => callback());
    },
    final(callback) {
      connection.send(frame.stdinEnd);
      callback();
    },
  });
}

function sessionOver(connection: SupervisorConnection, withStdin: boolean): Session {
  const stdout = outputOf(connection);
  const stderr = outputOf(connection);
  const stdin = withStdin ? inputOf(connection) : undefined;
  // A write after the process has ended is no error of anybody's.
  stdin?.on('error', () => undefined);
  const exitCode = new Promise<number>((resolve) => {
    const end = (code: number) => {
      stdout.push(null);
      stderr.push(null);
      stdin?.destroy();
      resolve(code);
    };
    connection.listen({
      frame: ({ type, stream, payload }) => {
        if (type === frame.output) {
          const target = stream === 2 ? stderr : stdout;
          if (!target.push(payload)) connection.pause();
        } else if (type === frame.exited) {
          end(decodeExited(payload).exitCode);
          connection.close();
        }
      },
      closed: () => end(unknownExitCode),
    });
  });
  return {
    ...(stdin === undefined ? {} : { stdin }),
    stdout,
    stderr,
    exitCode,
    resize: (columns, rows) => connection.sendEncoded(encodeNumbers(frame.resize, columns, rows)),
    close: () => connection.close(),
  };
}

/** Of a process that was let go: nothing comes of it any more. */
const ended = (): Session => ({
  stdout: Readable.from([]),
  stderr: Readable.from([]),
  exitCode: Promise.resolve(0),
  resize: () => undefined,
  close: () => undefined,
});

function connectTo(container: Container, what: string, first: Buffer): SupervisorConnection {
  const { spec, state, directory } = container;
  if (state.phase !== 'running') throw new Error(`container ${spec.id} is not running`);
  if (container.foreign !== undefined) throw new ForeignSupervisor(what, container);
  try {
    return SupervisorConnection.session(directory, first);
  } catch (cause) {
    throw new Error(`connect to the supervisor of container ${spec.id}`, { cause });
  }
}

/**
 * `confined`: see `encodeProcess`.
 * @throws StartError when the program cannot be run
 */
export async function execSession(
  container: Container,
  { process, confined }: { readonly process: WireProcess; readonly confined: WireProcess },
  spec: ExecSpec,
): Promise<Session> {
  const { id } = container.spec;
  const request = encodeProcess(process, confined);
  if (request.length > execLimitBytes) {
    const size = `${request.length} bytes of arguments and environment`;
    throw new StartError(`exec in container ${id}: ${size}, the limit is ${execLimitBytes}`, 128);
  }
  const { state } = container;
  if (state.phase === 'running' && state.paused) {
    throw new StartError(`exec in container ${id}: it is paused, resume it first`, 128);
  }
  const connection = connectTo(container, 'exec in', encodeFrame(frame.exec, request));
  const answer = await connection.next();
  if (answer?.type === frame.started && spec.detached !== true) {
    return sessionOver(connection, spec.stdin);
  }
  connection.close();
  if (answer?.type === frame.started) return ended();
  if (answer?.type !== frame.failed) {
    throw new StartError(`exec in container ${id}: its supervisor is gone`, 128);
  }
  const failure = decodeFailed(answer.payload);
  const code = failure.exitCode === 126 || failure.exitCode === 127 ? failure.exitCode : 128;
  throw new StartError(refusalMessage(id, failure), code);
}

/** Follows the container's own streams; several may at once. */
export async function attachSession(
  container: Container,
  options: { readonly stdin: boolean },
): Promise<AttachedSession> {
  const withStdin = options.stdin && container.spec.stdin;
  const order = encodeNumbers(frame.attach, withStdin ? 1 : 0);
  const connection = connectTo(container, 'attach to', order);
  const answer = await connection.answer();
  const errno = answer?.readUInt32LE(4);
  if (answer !== undefined && errno === 0) {
    // Supervisors of before it was told answer with eight bytes.
    const loggedBytes = answer.length < 16 ? 0 : Number(answer.readBigUInt64LE(8));
    return { ...sessionOver(connection, withStdin), loggedBytes };
  }
  connection.close();
  throw new Error(`attach to container ${container.spec.id}: errno ${errno ?? 'unknown'}`);
}
