/** Agents die at any moment; the next one knows everything. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { ContainerRecord } from '#node-agent/container/runtime.ts';
import { beginLife, killLife, takeOver } from './agent-life.ts';
import {
  containerSpec,
  exited,
  newId,
  sandboxSpec,
  startNode,
  stopNode,
  type TestNode,
  traces,
  until,
} from './node.ts';

const node = await startNode('adopt');
t.teardown(() => stopNode(node));

const drive = (ids: readonly string[]) => beginLife(node, 'driver.ts', ids);

async function removeAll(of: TestNode, containers: readonly ContainerRecord[]): Promise<void> {
  for (const { spec } of containers) await of.runtime.remove(spec.id);
  const { sandboxes } = await takeOver(of);
  for (const { id } of sandboxes) await of.runtime.removeSandbox(id);
}

const supervisorOf = (id: string): number =>
  JSON.parse(readFileSync(`${node.runDir}/c/${id}/state`, 'utf8')).supervisor;

t.test(
  'an agent killed at any moment loses no container and leaves no half-made one',
  async (t) => {
    const ids = Array.from({ length: 5 }, newId);
    const driver = await drive(ids.map((id) => `${id}:${newId()}`));
    const pids = new Map<string, number>();
    await killLife(driver);
    for (let round = 0; round < 6; round++) {
      const { containers } = await takeOver(node);
      const long = containers.filter(({ spec }) => spec.labels['kind'] === 'long');
      t.strictSame(long.map(({ spec }) => spec.id).sort(), ids.toSorted(), 'all are there');
      for (const { spec, state } of long) {
        if (state.phase !== 'running') throw new Error('not running');
        t.equal(state.pid, pids.get(spec.id) ?? state.pid, 'the same process');
        pids.set(spec.id, state.pid);
      }
      for (const { spec } of containers) {
        if (spec.labels['kind'] === 'short') await exited(node, spec.id);
      }
      const known = containers.map(({ spec }) => spec.id).sort();
      t.strictSame(readdirSync(`${node.runDir}/c`).sort(), known, 'no record without a container');
      node.runtime.close();
      const next = await drive([]);
      await sleep(Math.random() * 60);
      await killLife(next);
    }
    const { containers } = await takeOver(node);
    for (const id of ids) await node.runtime.signal(id, 15);
    for (const id of ids) t.match(await exited(node, id), { exitCode: 5 });
    await removeAll(node, containers);
    t.strictSame(traces(node), []);
  },
);

t.test('what ended while no agent was there is told to the next', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', 'sleep 0.1; exit 23'] });
  await node.runtime.start(spec);
  const supervisor = supervisorOf(spec.id);
  node.runtime.close();
  await until('the supervisor to end', () => !existsSync(`/proc/${supervisor}/fd/0`));
  const { containers, sandboxes } = await takeOver(node);
  t.strictSame(sandboxes, [sandbox]);
  t.match(containers, [{ spec, state: { phase: 'exited', exitCode: 23, oomKilled: false } }]);
  await removeAll(node, containers);
  t.strictSame(traces(node), []);
});

t.test('a killed supervisor takes its container with it, and the exit is unknown', async (t) => {
  for (const watching of [true, false]) {
    const sandbox = sandboxSpec(node);
    await node.runtime.createSandbox(sandbox);
    const spec = containerSpec(node, sandbox.id, { args: ['sleep', '1000'] });
    const { state } = await node.runtime.start(spec);
    const supervisor = supervisorOf(spec.id);
    if (!watching) node.runtime.close();
    process.kill(supervisor, 'SIGKILL');
    if (!watching) await takeOver(node);
    t.match(await exited(node, spec.id), { exitCode: 255, reason: 'Unknown' });
    if (state.phase !== 'running') throw new Error('not running');
    await until('its end', () => !existsSync(`/proc/${state.pid}`));
    const { containers } = await takeOver(node);
    t.match(containers, [{ state: { exitCode: 255, reason: 'Unknown' } }], 'also for the next');
    await removeAll(node, containers);
  }
  t.strictSame(traces(node), []);
});

t.test('half-made and broken records are cleared away', async (t) => {
  const cgroup = `${node.cgroupRoot}/half`;
  const spec = containerSpec(node, 'gone', {});
  mkdirSync(`/sys/fs/cgroup/pids${cgroup}`, { recursive: true });
  for (const [name, content] of [
    ['empty', undefined],
    ['broken', '{"version":1,"cgr'],
    ['half', JSON.stringify({ version: 1, cgroup, spec })],
  ] as const) {
    mkdirSync(`${node.runDir}/c/${name}`);
    if (content !== undefined) writeFileSync(`${node.runDir}/c/${name}/spec.json`, content);
  }
  const sandbox = sandboxSpec(node);
  mkdirSync(`${node.runDir}/ns/${sandbox.id}`, { recursive: true });
  writeFileSync(`${node.runDir}/ns/${sandbox.id}/sandbox.json`, JSON.stringify(sandbox));
  const { containers, sandboxes } = await takeOver(node);
  t.strictSame(containers, []);
  t.strictSame(sandboxes, []);
  t.strictSame(readdirSync(`${node.runDir}/c`), []);
  t.strictSame(readdirSync(`${node.runDir}/ns`), []);
  t.notOk(existsSync(`/sys/fs/cgroup/pids${node.cgroupRoot}`), 'nor an empty cgroup of theirs');
});

t.test('the state directory may be deeper than a socket address is long', async (t) => {
  const deep = { ...node, runDir: `${node.directory}/${'deep/'.repeat(30)}run` };
  mkdirSync(deep.runDir, { recursive: true });
  await takeOver(deep);
  const sandbox = sandboxSpec(deep);
  await deep.runtime.createSandbox(sandbox);
  const spec = containerSpec(deep, sandbox.id, { args: ['sleep', '1000'] });
  await deep.runtime.start(spec);
  const { containers } = await takeOver(deep);
  t.match(containers, [{ state: { phase: 'running' } }]);
  await deep.runtime.removeSandbox(sandbox.id);
  await deep.runtime.remove(spec.id);
  deep.runtime.close();
});
