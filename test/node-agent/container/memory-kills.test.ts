/** Processes killed for want of memory while their container goes on. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { encodeContainer } from '#native/encode.ts';
import { encodeNumbers, frame } from '#native/frames.ts';
import { namespaceType } from '#native/protocol.ts';
import { reap, startSupervisor } from '#native/spawn.ts';
import { readHierarchies } from '#node-agent/container/cgroups.ts';
import { SupervisorConnection } from '#node-agent/container/connection.ts';
import type { ContainerSpec, MemoryKills } from '#node-agent/container/runtime.ts';
import { plainContainer, program } from '../../native/plain-container.ts';
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

t.test('a v2 file that says nothing of it costs nothing, however often it changes', async (t) => {
  const { v2 } = await readHierarchies();
  if (v2 === undefined) return t.comment('skipped: needs a cgroup v2 hierarchy');
  const cgroup = `${v2}/bayplan-test-v2-kills-${process.pid}`;
  const directory = scratch('memory-kills-v2')();
  mkdirSync(cgroup);
  for (const name of ['state', 'upper', 'work']) mkdirSync(`${directory}/${name}`);
  const { pid, socket } = await startSupervisor({
    directory: `${directory}/state`,
    id: 'v2',
    before: [],
    rest: (give) =>
      give({
        meanwhile: [],
        spec: encodeContainer({
          ...plainContainer,
          layers: [node.layer],
          upper: `${directory}/upper`,
          work: `${directory}/work`,
          logPath: `${directory}/log`,
          oomFile: `${cgroup}/cgroup.events`,
          namespaces: ['mount', 'pid'].map((kind) => ({
            type: namespaceType[kind as 'mount' | 'pid'],
            path: '',
          })),
          process: program(['sleep', '1000']),
        }),
      }),
  });
  const connection = SupervisorConnection.adopt(socket);
  t.teardown(() => rmdirSync(cgroup));
  // Its events come at most every 10 ms.
  for (let round = 0; round < 40; round += 1) {
    writeFileSync(`${cgroup}/cgroup.freeze`, String(round % 2));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  t.ok(ticks < 10, `${ticks} hundredths of a second of processor time`);
  const told: number[] = [];
  const gone = new Promise<void>((resolve) => {
    connection.listen({ frame: ({ type }) => told.push(type), closed: resolve });
  });
  connection.sendEncoded(encodeNumbers(frame.signal, 9));
  await until('its end', () => told.includes(frame.exited));
  connection.sendEncoded(encodeNumbers(frame.acknowledge));
  await gone;
  await reap(pid);
  t.notOk(told.includes(frame.outOfMemory));
});
