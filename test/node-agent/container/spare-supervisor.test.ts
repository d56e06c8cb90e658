/** A supervisor started beforehand is as good as one started when needed, and is never left behind. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { StartError } from '#node-agent/container/runtime.ts';
import { containerSpec, exited, newId, sandboxSpec, startNode, stopNode, until } from './node.ts';

const node = await startNode('spare', true);
t.teardown(() => stopNode(node));
const { directory, runDir, cgroupRoot, runtime } = node;
const sandbox = sandboxSpec(node);
await runtime.createSandbox(sandbox);

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
};
/** What ps shows of a process. */
const wordsOf = (pid: number): string[] => text(`/proc/${pid}/cmdline`).split('\0');
const parentOf = (pid: number): number =>
  Number(text(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1]);

/** The supervisor of a process that waits to be told whose it is. */
function spareOf(parent: number): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => {
    const [name, id] = wordsOf(pid);
    return name === 'bay-supervisor' && id?.startsWith('--') && parentOf(pid) === parent;
  });
}
async function spare(parent = process.pid): Promise<number> {
  await until('a spare supervisor', () => spareOf(parent) !== undefined);
  return spareOf(parent) ?? 0;
}
const stateOf = (id: string) => JSON.parse(readFileSync(`${runDir}/c/${id}/state`, 'utf8'));

async function start(script: string): Promise<string> {
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script] });
  await runtime.start(spec);
  return spec.id;
}

t.test('the next container gets it, and everything is in its place', async (t) => {
  const waiting = await spare();
  const id = await start('trap "exit 3" TERM; while :; do sleep 0.01; done');
  t.equal(stateOf(id).supervisor, waiting);
  t.strictSame(wordsOf(waiting).slice(0, 2), ['bay-supervisor', id], 'ps shows whose it is');
  const session = await runtime.exec(id, { args: ['true'], tty: false, stdin: false });
  t.equal(await session.exitCode, 0, 'its control socket answers');
  await runtime.signal(id, 15);
  t.match(await exited(node, id), { exitCode: 3 });
  await runtime.remove(id);
  t.notOk(existsSync(`${runDir}/c/${id}`));
});

t.test('one that was killed is not missed', async (t) => {
  process.kill(await spare(), 'SIGKILL');
  const id = await start('exit 4');
  t.match(await exited(node, id), { exitCode: 4 });
  await runtime.remove(id);
});

t.test('a container that cannot start says why, and the spare one is gone with it', async (t) => {
  const waiting = await spare();
  const spec = containerSpec(node, sandbox.id, { args: ['/no/such/program'] });
  await t.rejects(runtime.start(spec), StartError);
  t.equal(parentOf(waiting) === process.pid, false);
  await runtime.remove(spec.id);
});

t.test('it ends when its agent is killed', async (t) => {
  const program = new URL('./spare-driver.ts', import.meta.url).pathname;
  const args = [program, `${directory}/driven`, `${cgroupRoot}-driven-${newId().slice(0, 8)}`];
  const agent = spawn(process.execPath, args, { stdio: 'ignore' });
  const waiting = await spare(agent.pid);
  const gone = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill('SIGKILL');
  await gone;
  await until('the spare one to end', () => wordsOf(waiting)[0] !== 'bay-supervisor');
  t.pass();
});

t.test('closing the runtime ends it', async (t) => {
  await spare();
  await runtime.removeSandbox(sandbox.id);
  runtime.close();
  await until('the spare one to end', () => spareOf(process.pid) === undefined);
  t.pass();
});
