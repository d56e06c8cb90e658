/** Lives of an agent that overlap: calls of a dead one that never settle, or settle late, start nothing twice. */
import { execFileSync } from 'node:child_process';
import {
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import t from 'tap';
import { protocolVersion } from '#native/protocol.ts';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type { ContainerSpec, SandboxSpec } from '#node-agent/container/runtime.ts';
import { beginLife, killLife, takeOver } from './agent-life.ts';
import { containerSpec, exited, sandboxSpec, startNode, stopNode, traces, until } from './node.ts';

const node = await startNode('lives');
t.teardown(() => stopNode(node));
const shared = `${node.directory}/shared`;
mkdirSync(shared);

/** A container that writes a line each time its program runs. Its supervisor hangs until somebody reads the log. */
function slowContainer(sandbox: SandboxSpec): ContainerSpec {
  const spec = containerSpec(node, sandbox.id, {
    args: ['sh', '-c', 'echo ran >> /shared/runs; exec sleep 1000'],
    mounts: [{ type: 'bind', source: shared, target: '/shared', readonly: false }],
  });
  execFileSync('mkfifo', [spec.logPath]);
  writeFileSync(`${shared}/runs`, '');
  return spec;
}

const runs = (): number => readFileSync(`${shared}/runs`, 'utf8').split('\n').length - 1;

const supervisorIs = (spec: ContainerSpec): boolean =>
  existsSync(`${node.runDir}/c/${spec.id}/ctl.sock`);

const release = (spec: ContainerSpec) =>
  openSync(spec.logPath, constants.O_RDONLY | constants.O_NONBLOCK);

/** Whether a process has `word` among its arguments; not asked of `ps`, which hangs under AddressSanitizer. */
const isCommandOfSome = (word: string): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false; // it has ended meanwhile
    }
  });

/** An agent is killed while its call to start the container has not settled. */
async function dieWhileStarting(sandbox: SandboxSpec, container: ContainerSpec): Promise<void> {
  const specs = JSON.stringify({ sandbox, container });
  const life = await beginLife(node, 'one-start.ts', [specs]);
  await until('a supervisor', () => supervisorIs(container));
  await until('its program to be loaded', () => isCommandOfSome(container.id));
  // The spec is in its socket by now, or never will be.
  await killLife(life);
}

t.test('a start that a dead agent began goes on once, and nobody begins it anew', async (t) => {
  const sandbox = sandboxSpec(node);
  const spec = slowContainer(sandbox);
  await dieWhileStarting(sandbox, spec);
  const { containers } = await takeOver(node);
  if (containers.length === 0) {
    // It died before it had told the supervisor what to start.
    t.equal(runs(), 0);
  } else {
    t.match(containers, [{ spec: { id: spec.id }, state: { phase: 'created' } }]);
    await t.rejects(node.runtime.start(spec), /was started or prepared already/);
    const reader = await open(`/proc/self/fd/${release(spec)}`);
    const running = () => node.runtime.get(spec.id)?.state.phase === 'running';
    await until('it to be told as running', running);
    await until('its program to run', () => runs() > 0);
    t.equal(runs(), 1);
    await reader.close();
    await node.runtime.remove(spec.id);
    t.equal(runs(), 1);
  }
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});

t.test(
  'one that was removed meanwhile never runs, however late its supervisor wakes',
  async (t) => {
    const sandbox = sandboxSpec(node);
    const spec = slowContainer(sandbox);
    await dieWhileStarting(sandbox, spec);
    await takeOver(node);
    await node.runtime.remove(spec.id);
    release(spec);
    await until('the supervisor to end', () =>
      traces(node).every((line) => !line.includes('process')),
    );
    t.equal(runs(), 0);
    await node.runtime.removeSandbox(sandbox.id);
    t.strictSame(traces(node), []);
  },
);

t.test(
  'an agent that is held has its directory: a second one says who, and starts nothing',
  async (t) => {
    node.runtime.close();
    const sandbox = sandboxSpec(node);
    const args = ['sh', '-c', 'echo up; sleep 1000'];
    const spec = containerSpec(node, sandbox.id, { args });
    const specs = JSON.stringify({ sandbox, container: spec });
    const life = await beginLife(node, 'one-start.ts', [specs]);
    life.kill('SIGSTOP');
    const said = await takeOver(node).then(
      () => 'taken over',
      (error: unknown) => String(error),
    );
    t.match(
      said,
      new RegExp(`use run directory ${node.runDir}: process ${life.pid} \\(.*one-start.ts`),
    );
    t.match(said, new RegExp(`kill ${life.pid}`));
    life.kill('SIGCONT');
    await until(
      'its container to run',
      () => existsSync(spec.logPath) && readFileSync(spec.logPath, 'utf8').includes(' up'),
    );
    await killLife(life);
    const { containers } = await takeOver(node);
    t.match(containers, [{ spec: { id: spec.id }, state: { phase: 'running' } }]);
    await node.runtime.remove(spec.id);
    await node.runtime.removeSandbox(sandbox.id);
    t.strictSame(traces(node), []);
  },
);

t.test('a closed runtime keeps its directory until its calls have settled', async (t) => {
  await takeOver(node);
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = slowContainer(sandbox);
  const late = node.runtime.start(spec);
  const { directory, runDir, cgroupRoot } = node;
  node.runtime.close();
  node.runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot });
  const adopted = node.runtime.adopt();
  await until('a supervisor', () => supervisorIs(spec));
  const reader = await open(`/proc/self/fd/${release(spec)}`);
  await late;
  const { containers } = await adopted;
  t.match(containers, [{ spec: { id: spec.id }, state: { phase: 'running' } }]);
  await until('its program to run', () => runs() > 0);
  t.equal(runs(), 1);
  await node.runtime.signal(spec.id, 9);
  t.match(await exited(node, spec.id), { exitCode: 137 }, 'the new life hears of its end');
  await reader.close();
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});

t.test('a supervisor that speaks an unknown version is left alone', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const script = 'trap "exit 7" TERM; while :; do sleep 0.01; done';
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script] });
  const { state } = await node.runtime.start(spec);
  const path = `${node.runDir}/c/${spec.id}/state`;
  const stored = JSON.parse(readFileSync(path, 'utf8'));
  t.equal(stored.version, protocolVersion);
  node.runtime.close();
  writeFileSync(path, JSON.stringify({ ...stored, version: 99, more: { of: 'it' } }));
  const said: string[] = [];
  const { containers } = await takeOver(node, (message) => said.push(message));
  t.match(containers, [{ spec: { id: spec.id }, state: { phase: 'running' } }]);
  if (state.phase === 'running') t.match(containers, [{ state: { pid: state.pid } }]);
  t.match(said.join(), 'supervisor speaks another version: its container is left alone');
  const session = { args: ['true'], tty: false, stdin: false };
  await t.rejects(
    node.runtime.exec(spec.id, session),
    /exec in .* speaks version 99 of the protocol/,
  );
  await t.rejects(node.runtime.attach(spec.id, { stdin: false }), /attach to .* version 99/);
  await node.runtime.signal(spec.id, 15);
  t.match(await exited(node, spec.id), { exitCode: 7 }, 'its end is seen all the same');
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});
