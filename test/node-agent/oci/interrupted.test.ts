/**
 * `bay oci` dies, or a call of its fails, before each call that changes the machine. Whatever the number: what create leaves,
 * delete --force removes, a failed create leaves nothing, and a delete that died is finished by the next.
 */

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { leftOver, machine } from '../../support/machine.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { Rig } from './bundle.ts';

needsRoot();
/** `EVERY=1 node test/node-agent/oci/interrupted.test.ts` tries all of them; each run tries others. */
const every = Number(process.env['EVERY'] ?? 12);
const first = Number(process.env['SEED'] ?? Date.now()) % every;

const before = machine();
const rig = new Rig(scratch('oci-interrupted')());
const library = `${rig.directory}/failpoints.so`;
const source = new URL('../../support/failpoints.c', import.meta.url).pathname;
execFileSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
const main = new URL('../../../node-agent/oci/main.ts', import.meta.url).pathname;
t.setTimeout(600_000);

/** A runtime that counts its calls, and dies before number `at`, or lets it fail; -1: neither. */
async function disturbed(mode: 'kill' | 'fail', at: number, words: readonly string[]) {
  const points = openSync(`${rig.directory}/points`, 'w');
  const arm = `import { mkdirSync } from 'node:fs'; mkdirSync('${rig.directory}/arm-${mode}-${at}');`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(arm)}`, main];
  const child = spawn(process.execPath, [...args, '--root', rig.root, ...words], {
    stdio: [...Array(9).fill('ignore'), points],
    env: { PATH: process.env['PATH'], LD_PRELOAD: library },
  });
  closeSync(points);
  const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const calls = readFileSync(`${rig.directory}/points`, 'utf8').trim().split('\n');
  return { ...ended, calls };
}

const program = 'sleep 4711';
const bundle = rig.bundle(program.split(' '));
/** A container's process shows its id until its program runs. */
const processesOf = (id: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return pid !== String(process.pid) && (command.includes(id) || command.startsWith(program));
    } catch {
      return false;
    }
  });

/** What is left of the cgroups of this test, in any hierarchy. */
const cgroups = (): string[] =>
  readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}${rig.cgroups}`)
    .filter((path) => existsSync(path));

/** Nothing of it is left, and its id is free. */
async function gone(t: Test, id: string, after: string): Promise<void> {
  await until(`its processes to be gone, after ${after}`, () => processesOf(id).length === 0);
  t.strictSame(readdirSync(rig.root), [], after);
  t.strictSame(cgroups(), [], after);
}

let count = 0;
const newId = (): string => `interrupted-${process.pid}-${count++}`;
/** Numbers of those calls that are tried this time. */
const chosen = (calls: readonly string[]): number[] =>
  calls.map((_, number) => number).filter((number) => number % every === first);

await rig.ok(['list', '-q']);
mkdirSync(rig.root, { recursive: true });
const creating = await disturbed('kill', -1, ['create', '-b', bundle, 'counted']);
const starting = await disturbed('kill', -1, ['start', 'counted']);
const deleting = await disturbed('kill', -1, ['delete', '-f', 'counted']);

t.test('the calls are of every group', async (t) => {
  t.comment(`${creating.calls.length} and ${deleting.calls.length}, every ${every} from ${first}`);
  const groups = {
    record: /rename .*state\.json$/,
    cgroups: /mkdir \/sys\/fs\/cgroup/,
    gate: /listen/,
    supervisor: /posix_spawn/,
    order: /send/,
  };
  for (const [name, pattern] of Object.entries(groups)) {
    t.ok(
      creating.calls.some((call) => pattern.test(call)),
      name,
    );
  }
  t.ok(deleting.calls.some((call) => /rmdir \/sys\/fs\/cgroup/.test(call)));
  t.ok(deleting.calls.some((call) => /unlink.*state\.json|rmdir.*counted/.test(call)));
});

t.test('a create that dies leaves what delete --force removes, and a free id', async (t) => {
  for (const number of chosen(creating.calls)) {
    const id = newId();
    const { signal } = await disturbed('kill', number, ['create', '-b', bundle, id]);
    if (number < creating.calls.length - 10) t.equal(signal, 'SIGKILL');
    const after = `call ${creating.calls[number]}`;
    t.equal((await rig.run(['delete', '--force', id])).code, 0, after);
    await gone(t, id, after);
    await rig.ok(['create', '-b', bundle, id]);
    await rig.ok(['delete', '--force', id]);
    await gone(t, id, after);
  }
});

t.test('a create whose call fails leaves nothing', async (t) => {
  for (const number of chosen(creating.calls)) {
    const id = newId();
    const { code } = await disturbed('fail', number, ['create', '-b', bundle, id]);
    const after = `call ${creating.calls[number]}, exit code ${code}`;
    // What does not matter fails without a word.
    if (code === 0) await rig.ok(['delete', '--force', id]);
    await gone(t, id, after);
  }
});

t.test('a start that dies, or whose call fails, leaves one that waits or runs', async (t) => {
  for (const mode of ['kill', 'fail'] as const)
    for (const number of starting.calls.keys()) {
      const id = newId();
      await rig.ok(['create', '-b', bundle, id]);
      await disturbed(mode, number, ['start', id]);
      const after = `${mode} ${starting.calls[number]}`;
      const { status } = await rig.state(id);
      t.ok(['created', 'running'].includes(status), `${status} after ${after}`);
      if (status === 'created') await rig.ok(['start', id]);
      t.equal((await rig.state(id)).status, 'running', after);
      await rig.ok(['delete', '--force', id]);
      await gone(t, id, after);
    }
});

t.test('a delete that dies, or whose call fails, is finished by the next', async (t) => {
  for (const mode of ['kill', 'fail'] as const)
    for (const number of chosen(deleting.calls)) {
      // What is above a container's cgroup goes as far as it may, without a word: others may be in it.
      if (mode === 'fail' && deleting.calls[number]?.endsWith(rig.cgroups)) continue;
      const id = newId();
      await rig.ok(['run', '-d', '-b', bundle, id]);
      await disturbed(mode, number, ['delete', '--force', id]);
      const after = `${mode} ${deleting.calls[number]}`;
      t.equal((await rig.run(['delete', '--force', id])).code, 0, after);
      await gone(t, id, after);
    }
});

t.test('the machine is as it was', async (t) => t.strictSame(await leftOver(before), {}));
