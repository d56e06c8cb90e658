/** A sandbox of parts that were made in idle time is as good as one made when needed, and nothing of it is left behind. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import t from 'tap';
import type { SandboxSpec } from '#node-agent/container/runtime.ts';
import { leftOver, machine } from '../../support/machine.ts';
import {
  containerSpec,
  exited,
  logText,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

const before = machine();
const node = await startNode('parts', true);
t.teardown(() => stopNode(node));
const { runDir, runtime } = node;

/** The ipc namespaces that this process holds: `ipc:[4026532286]`. */
function held(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const link = readlinkSync(`/proc/self/fd/${fd}`);
      return link.startsWith('ipc:') ? [link] : [];
    } catch {
      return []; // of the listing itself
    }
  });
}

async function spare(): Promise<string> {
  await until('a spare sandbox', () => held().length === 1);
  return held()[0] ?? '';
}

const ipcOf = ({ id }: SandboxSpec): string => `ipc:[${statSync(`${runDir}/ns/${id}/ipc`).ino}]`;

/** What a container of the sandbox prints. */
async function seen(sandbox: SandboxSpec, script: string): Promise<string> {
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script] });
  await runtime.start(spec);
  await exited(node, spec.id);
  await runtime.remove(spec.id);
  return logText(spec.logPath);
}

t.test('the next sandbox gets it, named and mounted', async (t) => {
  const waiting = await spare();
  const sandbox = sandboxSpec(node, { hostname: 'of-parts', resources: { pids: { limit: 77 } } });
  await runtime.createSandbox(sandbox);
  t.equal(ipcOf(sandbox), waiting);
  const text = await seen(
    sandbox,
    'hostname; readlink /proc/self/ns/ipc; grep /dev/shm /proc/self/mountinfo; echo x >/dev/shm/x',
  );
  const [hostname, ipc, mount = ''] = text.split('\n');
  t.strictSame([hostname, ipc], ['of-parts', waiting]);
  t.match(mount, / rw,nosuid,nodev,noexec\S* - tmpfs shm rw,size=65536k/);
  t.equal(statSync(`${runDir}/ns/${sandbox.id}/shm`).mode & 0o7777, 0o1777);
  t.equal(await seen(sandbox, 'cat /dev/shm/x'), 'x\n', 'its containers share the memory');
  await runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});

t.test('this process keeps its own name', async (t) => {
  t.equal(readFileSync('/proc/sys/kernel/hostname', 'utf8').includes('of-parts'), false);
});

t.test('one that wants something else leaves it for the next', async (t) => {
  const waiting = await spare();
  const large = sandboxSpec(node, { shmBytes: 1 << 20 });
  await runtime.createSandbox(large);
  t.match(await seen(large, 'grep /dev/shm /proc/self/mountinfo'), /size=1024k/);
  t.not(ipcOf(large), waiting);
  const next = sandboxSpec(node);
  await runtime.createSandbox(next);
  t.equal(ipcOf(next), waiting);
  for (const { id } of [large, next]) await runtime.removeSandbox(id);
});

t.test('of many at once each has its own', async (t) => {
  await spare();
  const many = Array.from({ length: 6 }, () => sandboxSpec(node));
  await Promise.all(many.map((one) => runtime.createSandbox(one)));
  t.equal(new Set(many.map(ipcOf)).size, 6);
  await Promise.all(many.map(({ id }) => runtime.removeSandbox(id)));
});

t.test('what is refused takes nothing with it', async (t) => {
  await spare();
  const wrong = sandboxSpec(node, { hostname: 'x'.repeat(65) });
  await t.rejects(runtime.createSandbox(wrong), { code: 'EINVAL', syscall: 'sethostname' });
  t.strictSame(traces(node), []);
});

t.test('closing the runtime lets it go', async (t) => {
  await spare();
  runtime.close();
  await until('it is gone', () => held().length === 0);
  t.strictSame(await leftOver(before), {});
});
