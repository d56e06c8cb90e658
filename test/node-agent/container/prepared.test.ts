/** Containers made beforehand: as any other once they are started, and nothing once they are not. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import t from 'tap';
import { frame } from '#native/frames.ts';
import type { ConnectionEvents, SupervisorConnection } from '#node-agent/container/connection.ts';
import { Container } from '#node-agent/container/container.ts';
import { StartError } from '#node-agent/container/runtime.ts';
import { takeOver } from './agent-life.ts';
import {
  containerSpec,
  exited,
  logText,
  newId,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

const node = await startNode('prepared');
t.teardown(() => stopNode(node));
const sandbox = sandboxSpec(node);
await node.runtime.createSandbox(sandbox);
const standing = traces(node);

const script = (text: string) => containerSpec(node, sandbox.id, { args: ['sh', '-c', text] });
const hasRun = (path: string): boolean => existsSync(path) && readFileSync(path, 'utf8') !== '';

/** The processes whose control socket is in the container's state directory. */
function supervisorOf(id: string): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] === id;
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

t.test('nothing runs until it is started, and then what would have run', async (t) => {
  const told: string[] = [];
  const changes = node.runtime.changes.subscribe(({ state }) => told.push(state.phase));
  const spec = script('hostname; id -u; grep -E "^(Seccomp|CapEff|NoNewPrivs):" /proc/self/status');
  const plain = script(spec.args[2] ?? '');
  await node.runtime.prepare(spec);
  t.equal(node.runtime.get(spec.id), undefined);
  t.strictSame(told, []);
  t.notOk(hasRun(spec.logPath));
  t.notOk(existsSync(`${node.runDir}/c/${spec.id}/state`), 'no record that it may have run');
  t.match(await node.runtime.start(spec), { state: { phase: 'running' } });
  t.match(await exited(node, spec.id), { exitCode: 0 });
  changes.unsubscribe();
  t.strictSame(told, ['running', 'exited']);
  await node.runtime.start(plain);
  await exited(node, plain.id);
  t.equal(logText(spec.logPath), logText(plain.logPath), 'the same from inside');
  t.match(logText(spec.logPath), /Seccomp:\t2/);
  for (const { id } of [spec, plain]) await node.runtime.remove(id);
  t.strictSame(traces(node), standing);
});

t.test('however soon it ends: first it runs, then it has ended', async (t) => {
  const told: string[] = [];
  const events = { changed: ({ state }: Container) => void told.push(state.phase) } as never;
  const facts = { spec: script('exit 0'), directory: '', cgroup: '' };
  const container = new Container(facts, events);
  // Both frames of its supervisor were read in one piece.
  const early = {
    listen: (to: ConnectionEvents) =>
      to.frame({ type: frame.exited, stream: 0, payload: Buffer.alloc(28) }),
    sendEncoded: () => undefined,
  } as unknown as SupervisorConnection;
  const record = container.runs(early, { pid: 1, startedAt: '2026-01-01T00:00:00Z' });
  t.match(record, { state: { phase: 'running', pid: 1 } });
  t.strictSame(told, ['running', 'exited']);
  t.match(container.record, { state: { phase: 'exited', exitCode: 0 } });
});

t.test('its times begin when it runs; exec, signals and its exit code are as ever', async (t) => {
  const spec = script('trap "exit 7" TERM; echo up; while :; do sleep 0.01; done');
  await node.runtime.prepare(spec);
  const before = Date.now();
  const { state } = await node.runtime.start(spec);
  t.ok(state.phase === 'running' && Date.parse(state.startedAt) >= before - 1);
  const session = await node.runtime.exec(spec.id, { args: ['true'], tty: false, stdin: false });
  t.equal(await session.exitCode, 0);
  await until('it to be up', () => hasRun(spec.logPath));
  await node.runtime.signal(spec.id, 15);
  t.match(await exited(node, spec.id), { exitCode: 7 });
  await node.runtime.remove(spec.id);
});

t.test('a second one for the same id is refused', async (t) => {
  const spec = script('true');
  await node.runtime.prepare(spec);
  await t.rejects(node.runtime.prepare(spec), /was started or prepared already/);
  await node.runtime.remove(spec.id);
});

t.test('what cannot be made is told at once, what cannot be run at the start', async (t) => {
  const source = '/no/such/source';
  const mounts = [{ type: 'bind' as const, source, target: '/x', readonly: false }];
  const unmade = containerSpec(node, sandbox.id, { mounts });
  await t.rejects(node.runtime.prepare(unmade), StartError);
  t.strictSame(traces(node), standing);
  const unrun = containerSpec(node, sandbox.id, { args: ['/no/such/program'] });
  await node.runtime.prepare(unrun);
  await t.rejects(node.runtime.start(unrun), StartError);
  t.match(await exited(node, unrun.id), { exitCode: 127, reason: 'StartError' });
  await node.runtime.remove(unrun.id);
  t.strictSame(traces(node), standing);
});

t.test('one whose supervisor was killed says so when it is started', async (t) => {
  const spec = script('true');
  await node.runtime.prepare(spec);
  process.kill(supervisorOf(spec.id) ?? 0, 'SIGKILL');
  await t.rejects(node.runtime.start(spec), /its supervisor ended before the program ran/);
  t.notOk(hasRun(spec.logPath));
  await node.runtime.remove(spec.id);
  t.strictSame(traces(node), standing);
});

t.test('removed, with its sandbox gone, or left by its agent: nothing remains', async (t) => {
  const removed = script('true');
  await node.runtime.prepare(removed);
  await node.runtime.remove(removed.id);
  t.strictSame(traces(node), standing);
  const other = sandboxSpec(node);
  await node.runtime.createSandbox(other);
  await node.runtime.prepare(containerSpec(node, other.id));
  await node.runtime.removeSandbox(other.id);
  t.strictSame(traces(node), standing);
  await node.runtime.prepare(script('true'));
  const { containers } = await takeOver(node);
  t.strictSame(containers, []);
  t.strictSame(traces(node), standing);
});

t.test('its processes end with an agent that is killed', async (t) => {
  const directory = mkdtempSync(`${tmpdir()}/container-driven-`);
  const cgroupRoot = `/bayplan-test-driven-${newId().slice(0, 8)}`;
  const program = new URL('./prepare-driver.ts', import.meta.url).pathname;
  const agent = spawn(process.execPath, [program, directory, cgroupRoot]);
  const gone = new Promise((resolve) => agent.once('exit', resolve));
  await new Promise((resolve) => agent.stdout.once('data', resolve));
  agent.kill('SIGKILL');
  await gone;
  const driven = { ...node, directory, runDir: `${directory}/run`, cgroupRoot };
  const processes = () => traces(driven).filter((trace) => trace.startsWith('process'));
  await until('its processes to end', () => processes().length === 0);
  await stopNode(driven);
  t.strictSame(traces(driven), []);
});

t.test('and the node is empty again', async (t) => {
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});
