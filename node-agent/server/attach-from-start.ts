/**
 * Attaches to a container with all it has written since its start, as `docker run` shows it: what came before is read
 * from its log, up to the byte where the session goes on. One that has ended meanwhile is its log and its exit code.
 */
import { createReadStream } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ContainerRuntime, Session } from '#node-agent/container/runtime.ts';
import { parseLogLine } from './log-line.ts';

const lineFeed = 0x0a;
const newline = Buffer.from('\n');

interface Outputs {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
}

/** Whole lines of the file's first bytes, without their line feeds. */
async function* linesOf(path: string, bytes: number): AsyncGenerator<Buffer> {
  if (bytes === 0) return;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
    let all = Buffer.concat([rest, chunk as Buffer]);
    for (let end = all.indexOf(lineFeed); end >= 0; end = all.indexOf(lineFeed)) {
      yield all.subarray(0, end);
      all = all.subarray(end + 1);
    }
    rest = all;
  }
}

const write = (stream: PassThrough, chunk: Buffer): Promise<void> =>
  new Promise((resolve) => stream.write(chunk, () => resolve()));

/** A log that is gone, rotated away for example, is nothing that was written. */
async function replay(path: string, bytes: number, outputs: Outputs): Promise<void> {
  try {
    for await (const line of linesOf(path, bytes)) {
      const found = parseLogLine(line);
      if (found === undefined) continue;
      const { stream, full, text } = found;
      await write(outputs[stream], full ? Buffer.concat([text, newline]) : text);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A session that was closed under us ends like one whose process did. */
const follow = (from: Readable, to: PassThrough): Promise<void> =>
  pipeline(from, to).catch(() => void to.end());

function outputs(): Outputs {
  return { stdout: new PassThrough(), stderr: new PassThrough() };
}

/** @throws as `ContainerRuntime.attach` does for a container that neither runs nor has run */
export async function attachFromStart(
  runtime: ContainerRuntime,
  id: string,
  options: { readonly stdin: boolean },
): Promise<Session> {
  const session = await runtime.attach(id, options).catch((error: unknown) => {
    if (runtime.get(id)?.state.phase === 'exited') return undefined;
    throw error;
  });
  if (session === undefined) return ended(runtime, id);
  const shown = outputs();
  const path = runtime.get(id)?.spec.logPath ?? '';
  void replay(path, session.loggedBytes, shown)
    .catch(() => undefined)
    .then(() =>
      Promise.all([follow(session.stdout, shown.stdout), follow(session.stderr, shown.stderr)]),
    );
  return { ...session, ...shown };
}

function ended(runtime: ContainerRuntime, id: string): Session {
  const { spec, state } = runtime.get(id) ?? {};
  const shown = outputs();
  const told = replay(spec?.logPath ?? '', Number.POSITIVE_INFINITY, shown)
    .catch(() => undefined)
    .then(() => {
      shown.stdout.end();
      shown.stderr.end();
    });
  const exitCode = state?.phase === 'exited' ? state.exitCode : 255;
  return {
    ...shown,
    resize: () => undefined,
    exitCode: told.then(() => exitCode),
    close: () => {
      shown.stdout.destroy();
      shown.stderr.destroy();
    },
  };
}
