import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import t from 'tap';
import { containerLog } from '#node-agent/server/container-log.ts';
import { type LogOptions, logOptions } from '#node-agent/server/log-options.ts';
import { countLines, readTail, tailOffset } from '#node-agent/server/log-tail.ts';

const second = (n: number): string => `2026-05-01T12:00:0${n}.000000001Z`;
const line = (n: number, text: string, tag = 'F', stream = 'stdout'): string =>
  `${second(n)} ${stream} ${tag} ${text}\n`;

function log(t: { teardown(run: () => void): void }, text: string) {
  const dir = mkdtempSync(join(tmpdir(), 'pods-log-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, '0.log');
  writeFileSync(path, text);
  let live = false;
  const changes = new Subject<void>();
  return {
    path,
    setLive: (is: boolean) => {
      live = is;
      changes.next();
    },
    source: {
      path,
      isLive: () => live,
      onChange: (callback: () => void) => {
        const subscription = changes.subscribe(callback);
        return () => subscription.unsubscribe();
      },
    },
  };
}

const options = (fields: Partial<LogOptions> = {}): LogOptions => ({
  follow: false,
  previous: false,
  timestamps: false,
  ...fields,
});
const never = new AbortController().signal;

async function read(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

t.test('the query asks for parts of the log', async (t) => {
  const file =
    line(1, 'one') +
    line(2, 'tw', 'P') +
    line(2, 'o') +
    line(3, 'err', 'F', 'stderr') +
    line(4, '');
  const { source } = log(t, file);
  const cases: [Partial<LogOptions>, string][] = [
    [{}, 'one\ntwo\nerr\n\n'],
    [{ tailLines: 2 }, 'err\n\n'],
    [{ tailLines: 0 }, ''],
    [{ tailLines: 99 }, 'one\ntwo\nerr\n\n'],
    [{ timestamps: true, tailLines: 2 }, `${second(3)} err\n${second(4)} \n`],
    [{ since: Date.parse(second(3)) }, 'err\n\n'],
    [{ until: Date.parse(second(2)) }, 'one\ntwo\n'],
    [{ until: Date.parse(second(2)), tailLines: 3 }, 'o\n'],
    [{ since: Date.parse(second(2)), until: Date.parse(second(3)) }, 'two\nerr\n'],
    [{ limitBytes: 5 }, 'one\nt'],
    [{ stream: 'stderr' }, 'err\n'],
  ];
  for (const [wanted, text] of cases) {
    t.equal(await read(containerLog(source, options(wanted), never)), text, JSON.stringify(wanted));
  }
});

t.test('lines longer than a block and torn lines are given out right', async (t) => {
  const long = 'x'.repeat(200_000);
  const { source } = log(t, `${line(1, long)}garbage\n${line(2, 'end')}`);
  t.equal(await read(containerLog(source, options(), never)), `${long}\nend\n`);
});

t.test('following goes on over rotation and ends with the container', async (t) => {
  const { path, source, setLive } = log(t, line(1, 'one'));
  setLive(true);
  const stream = containerLog(source, options({ follow: true }), never);
  const next = async () => String((await stream.next()).value);
  t.equal(await next(), 'one\n');
  setImmediate(() => appendFileSync(path, line(2, 'two')));
  t.equal(await next(), 'two\n');
  setImmediate(() => {
    appendFileSync(path, line(3, 'last of the old'));
    renameSync(path, `${path}.old`);
    writeFileSync(path, line(4, 'first of the new'));
  });
  t.equal(await next(), 'last of the old\n');
  t.equal(await next(), 'first of the new\n');
  setImmediate(() => {
    appendFileSync(path, line(5, 'end'));
    setLive(false);
  });
  t.equal(await read(stream), 'end\n');
});

t.test('a reader who leaves ends the following', async (t) => {
  const { source, setLive } = log(t, line(1, 'one'));
  setLive(true);
  const abort = new AbortController();
  const stream = containerLog(source, options({ follow: true }), abort.signal);
  await stream.next();
  setImmediate(() => abort.abort());
  t.equal(await read(stream), '');
});

t.test('the tail is found by reading backwards over blocks', async (t) => {
  const lines = Array.from({ length: 5_000 }, (_, n) => line(1, `line ${n} ${'y'.repeat(40)}`));
  const { path } = log(t, lines.join(''));
  const file = await open(path);
  t.teardown(() => file.close());
  for (const count of [1, 2, 1_500, 4_999, 5_000, 9_999]) {
    const wanted = lines.slice(0, Math.max(0, lines.length - count)).join('').length;
    t.equal(await tailOffset(file, count), wanted, `${count} lines`);
    t.equal(await countLines(path, count), Math.min(count, lines.length));
  }
  t.match(
    await readTail(path, { lines: 3, bytes: 2_048 }),
    /^line 4997 y+\nline 4998 y+\nline 4999 y+\n$/,
  );
});

t.test('bad queries are refused with their reason', async (t) => {
  const query = (text: string) => () => logOptions(new URLSearchParams(text), 0);
  t.throws(query('tailLines=-1'), { code: 400, message: /tailLines/ });
  t.throws(query('sinceTime=tomorrow'), { code: 400, message: /sinceTime/ });
  t.strictSame(query('follow=true&tailLines=3&sinceSeconds=5&timestamps=1&previous=false')(), {
    ...options({ follow: true, timestamps: true, tailLines: 3, since: -5_000 }),
  });
});
