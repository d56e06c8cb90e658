/** A process that waits as a few KiB, and what wakes it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import t from 'tap';
import { memoryOf } from '../../bench/measure.ts';
import { waitFor } from '../support/cluster.ts';

const lookout = JSON.stringify(new URL('../../native/lookout.ts', import.meta.url).pathname);
const told = `console.log('event ' + process.argv.at(-1))`;

/** A Node that starts `sleep`, tells its pid, and becomes the lookout; `event …` is told when that is woken. */
function resting(t: { teardown(end: () => void): void }): {
  child: ChildProcess;
  lines: AsyncIterator<string>;
} {
  const program = `
    const { spawn } = await import('node:child_process');
    const { becomeLookout } = await import(${lookout});
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    let isAsked = false;
    process.on('SIGTERM', () => {
      isAsked = true;
      console.log('event signal:15');
    });
    console.log(child.pid);
    await becomeLookout([process.execPath, '-e', ${JSON.stringify(told)}, '--'], () => !isAsked);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

const isLookout = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('bay-lookout');

t.test('it is small, and a signal makes it the program that knows what to do', async (t) => {
  const { child, lines } = resting(t);
  const sleeper = Number((await lines.next()).value);
  const pid = child.pid ?? 0;
  await waitFor('the lookout', () => (isLookout(pid) ? true : undefined));
  t.ok(memoryOf(pid).private < 200, `${memoryOf(pid).private} KiB`);
  child.kill('SIGTERM');
  t.equal((await lines.next()).value, 'event signal:15');
  process.kill(sleeper, 'SIGKILL');
});

t.test('the end of a child is told with its pid and how it ended', async (t) => {
  const { child, lines } = resting(t);
  const sleeper = Number((await lines.next()).value);
  await waitFor('the lookout', () => (isLookout(child.pid ?? 0) ? true : undefined));
  process.kill(sleeper, 'SIGKILL');
  t.equal((await lines.next()).value, `event ended:${sleeper}:137`);
});

t.test('a signal that comes on the way is not lost', async (t) => {
  const { child, lines } = resting(t);
  const sleeper = Number((await lines.next()).value);
  // Node is about to change over: its listener or the next program gets it.
  child.kill('SIGTERM');
  t.equal((await lines.next()).value, 'event signal:15');
  process.kill(sleeper, 'SIGKILL');
});
