/** Limits, pausing and figures of running containers, seen from inside and from the cgroups. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import t from 'tap';
import { runSteps } from '#native/spawn.ts';
import { deviceProgram } from '#node-agent/container/cgroup-device-program.ts';
import { devicePolicy } from '#node-agent/container/cgroup-devices.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { takeOver } from './agent-life.ts';
import {
  containerSpec,
  exited,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  type TestNode,
  textOf,
  traces,
  until,
} from './node.ts';

if (process.getuid?.() !== 0) {
  t.plan(0, 'needs root');
  process.exit(0);
}

const node = await startNode('resources');
t.teardown(() => stopNode(node));

const unified = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .find((line) => line.includes(' - cgroup2 '))
  ?.split(' ')[4];

/** A container that counts its rounds in its log. */
async function counting(on: TestNode, change: Partial<ContainerSpec> = {}) {
  const sandbox = sandboxSpec(on);
  await on.runtime.createSandbox(sandbox);
  const args = ['sh', '-c', 'while :; do echo round; sleep 0.01; done'];
  const spec = containerSpec(on, sandbox.id, { args, ...change });
  await on.runtime.start(spec);
  const end = async () => {
    await on.runtime.remove(spec.id);
    await on.runtime.removeSandbox(sandbox.id);
    await on.runtime.removeLayer(spec.layerDir);
  };
  return { spec, sandbox, end, rounds: () => logText(spec.logPath).length };
}

async function inside(id: string, script: string): Promise<string> {
  const args = ['sh', '-c', script];
  const session = await node.runtime.exec(id, { args, tty: false, stdin: false });
  const text = await textOf(session.stdout);
  await session.exitCode;
  return text;
}

t.test('limits of a running container change, and a new agent knows them', async (t) => {
  const { spec, end } = await counting(node, {
    resources: { memory: { limit: 64 << 20 }, pids: { limit: 50 }, cpu: { quota: 50_000 } },
  });
  const before = await node.runtime.stats(spec.id);
  t.match(before, { memoryLimitBytes: 64 << 20, pidsLimit: 50 });
  await node.runtime.update(spec.id, {
    memory: { limit: 32 << 20 },
    pids: { limit: 20 },
    cpu: { quota: 20_000, period: 40_000 },
  });
  await node.runtime.update(spec.id, { cpu: { quota: 90_000, period: 100_000, burst: 1000 } });
  const after = await node.runtime.stats(spec.id);
  t.match(after, { memoryLimitBytes: 32 << 20, pidsLimit: 20 });
  t.match(node.runtime.get(spec.id)?.spec.resources, {
    memory: { limit: 32 << 20 },
    pids: { limit: 20 },
    cpu: { quota: 90_000, period: 100_000 },
  });
  await t.rejects(node.runtime.update(spec.id, { pids: { limit: 0.5 } }), /pids.limit/);
  await takeOver(node);
  t.equal(node.runtime.get(spec.id)?.spec.resources.pids?.limit, 20);
  await end();
});

t.test('CPUs are restricted at the start and later, for what is exec’ed too', async (t) => {
  const allowed = 'grep Cpus_allowed_list /proc/self/status | cut -f2';
  const first = await run(node, allowed, { resources: { cpu: { cpus: '0', mems: '0' } } });
  t.equal(first.text, '0\n');
  const { spec, end } = await counting(node);
  await node.runtime.update(spec.id, { cpu: { cpus: '0' } });
  t.equal(await inside(spec.id, allowed), '0\n');
  t.equal(await inside(spec.id, `${allowed.replace('self', '1')}`), '0\n', 'what ran was moved');
  await end();
});

t.test('a paused container stands still, also for a new agent, and goes on', async (t) => {
  const { spec, end, rounds } = await counting(node);
  await until('a round', () => rounds() > 0);
  await node.runtime.pause(spec.id);
  t.match(node.runtime.get(spec.id)?.state, { phase: 'running', paused: true });
  // Two of the kernel's own figures that agree: nothing ran in between.
  const before = await node.runtime.stats(spec.id);
  await new Promise(setImmediate);
  t.equal((await node.runtime.stats(spec.id)).cpuNanos, before.cpuNanos);
  await t.rejects(inside(spec.id, 'true'), /it is paused/);
  await takeOver(node);
  t.match(node.runtime.get(spec.id)?.state, { phase: 'running', paused: true });
  const stopped = rounds();
  await node.runtime.resume(spec.id);
  t.notHas(node.runtime.get(spec.id)?.state, { paused: true });
  await until('rounds after the pause', () => rounds() > stopped);
  await node.runtime.pause(spec.id);
  await node.runtime.kill(spec.id);
  t.match(await exited(node, spec.id), { signal: 9 }, 'a paused one can be killed');
  await end();
});

t.test('a container killed for its memory says what was killed, and the limit', async (t) => {
  const { state } = await run(node, 'x=$(head -c 100m /dev/zero | tr "\\0" x); echo $x', {
    resources: { memory: { limit: 16 << 20, swap: 16 << 20 } },
  });
  t.ok(state.oomKilled);
  t.match(state.message, /^Out of memory: killed .*limit 16\.0 MiB, most used 16\.0 MiB\.$/);
});

t.test('figures of a container: CPU time, memory, processes, pressure', async (t) => {
  const { spec, end } = await counting(node);
  await until('CPU time', async () => (await node.runtime.stats(spec.id)).cpuNanos > 0);
  const stats = await node.runtime.stats(spec.id);
  t.ok(stats.memoryUsageBytes >= stats.memoryBytes);
  t.ok(stats.memoryPeakBytes >= stats.memoryUsageBytes / 2);
  t.ok(stats.pids >= 1);
  t.equal(stats.pidsLimit, -1);
  t.equal(stats.pressure !== undefined, existsSync(`${unified}/cpu.pressure`));
  await end();
});

t.test('a limit of v2 alone is refused with its name before anything runs', async (t) => {
  const misc = { unified: { 'misc.max': 'x 1' } };
  await t.rejects(run(node, 'true', { resources: misc }), /linux.resources.unified\["misc.max"\]/);
});

t.test('a v2 device program decides who opens what, and is replaced whole', async (t) => {
  if (unified === undefined) return t.comment('skipped: needs a cgroup v2 hierarchy');
  const path = `${unified}/bayplan-test-devices-${process.pid}`;
  mkdirSync(path);
  t.teardown(() => rmdirSync(path));
  const can = (device: string): boolean => {
    const script = `exec 2>&1; echo $$ > ${path}/cgroup.procs && : < ${device}`;
    try {
      execFileSync('sh', ['-c', script]);
      return true;
    } catch {
      return false;
    }
  };
  const restrict = (rules: Parameters<typeof devicePolicy>[0]) =>
    runSteps([['devices', path, deviceProgram(devicePolicy(rules)).toString('hex')]]);
  t.ok(can('/dev/full'));
  await restrict([{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }]);
  t.ok(can('/dev/null'));
  t.notOk(can('/dev/full'));
  await restrict([{ allow: true, type: 'c', major: 1, minor: 7, access: 'r' }]);
  t.notOk(can('/dev/null'));
  t.ok(can('/dev/full'));
  await restrict([{ allow: true }, { allow: false, type: 'c', major: 1, minor: 7, access: 'w' }]);
  t.ok(can('/dev/null'));
  t.ok(can('/dev/full'), 'only writing is denied');
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
