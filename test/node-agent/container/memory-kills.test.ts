/** Processes killed for want of memory while their container goes on. */
import { existsSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { ContainerSpec, MemoryKills } from '#node-agent/container/runtime.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { takeOver } from './agent-life.ts';
import { containerSpec, sandboxSpec, startNode, stopNode, until } from './node.ts';

needsRoot();
const node = await startNode('memory-kills');
t.teardown(() => stopNode(node));
const sandbox = sandboxSpec(node);
await node.runtime.createSandbox(sandbox);
// As long as the memory of one is not given back, the kernel may kill another: never one that is not meant.
const greedy =
  'echo 1000 > /proc/self/oom_score_adj; x=$(head -c 100m /dev/zero | tr "\\0" x); echo $x';
const limit = 16 << 20;
const resources = { memory: { limit, swap: limit } };

const killsOf = ({ id }: ContainerSpec): MemoryKills | undefined =>
  node.runtime.get(id)?.memoryKills;

async function waste(id: string): Promise<number> {
  const args = ['sh', '-c', greedy];
  return (await node.runtime.exec(id, { args, tty: false, stdin: false })).exitCode;
}

t.test('each is told with who, the limit and the most used; the container goes on', async (t) => {
  const spec = containerSpec(node, sandbox.id, { args: ['sleep', '1000'], resources });
  const heard: number[] = [];
  const subscription = node.runtime.changes.subscribe(({ spec: { id }, memoryKills }) => {
    if (id === spec.id && memoryKills !== undefined) heard.push(memoryKills.count);
  });
  await node.runtime.start(spec);
  t.equal(killsOf(spec), undefined);
  t.equal(await waste(spec.id), 137);
  await until('it is told', () => killsOf(spec) !== undefined);
  t.match(killsOf(spec)?.message, /^Out of memory: .*limit 16\.0 MiB, most used 1[56]\.\d MiB\.$/);
  t.equal(node.runtime.get(spec.id)?.state.phase, 'running');
  const first = killsOf(spec)?.count ?? 0;
  t.equal(await waste(spec.id), 137);
  await until('it is told again', () => (killsOf(spec)?.count ?? 0) > first);
  t.ok(heard.length > 1);
  t.strictSame(heard, [...new Set(heard)].sort(), 'each is told once');
  subscription.unsubscribe();
  await node.runtime.remove(spec.id);
});

t.test('what happened while there was no agent is told to the next one', async (t) => {
  const shared = scratch('memory-kills-shared')();
  const wait = 'while [ ! -e /shared/go ]; do sleep 0.05; done';
  const script = `${wait}; (${greedy}); : > /shared/done; sleep 1000`;
  const mounts = [{ type: 'bind', source: shared, target: '/shared', readonly: false } as const];
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script], resources, mounts });
  await node.runtime.start(spec);
  node.runtime.close();
  writeFileSync(`${shared}/go`, '');
  await until('it was killed', () => existsSync(`${shared}/done`));
  await takeOver(node);
  await until('it is told', () => killsOf(spec) !== undefined);
  t.equal(node.runtime.get(spec.id)?.state.phase, 'running');
  await node.runtime.remove(spec.id);
});
