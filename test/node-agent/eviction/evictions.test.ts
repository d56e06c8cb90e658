/** The agent under pressure, over a runtime in memory: who goes, what is told, and what stays. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { events } from '#api/resources/resource-types.ts';
import type { Event } from '#api/resources/types.ts';
import type { Signals } from '#node-agent/eviction/thresholds.ts';
import { volumesDir } from '#node-agent/pod/paths.ts';
import { removeEndedLayers } from '#node-agent/pod/take-down.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';
import {
  hasFailed,
  isRunning,
  mi,
  noDisk,
  noMemory,
  plenty,
  pressed,
  requesting,
  runs,
} from './pressed.ts';

t.test('short of memory: one pod a turn, killed at once, told in the API', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  rig.runtime.endsOn = new Set([9]);
  await runs(rig, 'modest', requesting('1Gi'));
  await runs(rig, 'greedy', requesting('10Mi'));
  await runs(rig, 'bare');
  Object.assign(it.memory, { modest: 900, greedy: 64, bare: 1 });
  t.equal(await it.look(), '', 'nothing is short');
  it.now = noMemory;
  t.equal(await it.look(), 'greedy');
  const message =
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
    'Container main was using 64Mi, request is 10Mi, has larger consumption of memory. ';
  const pod = await rig.until('greedy', hasFailed);
  t.match(pod.status, { reason: 'Evicted', message });
  t.match(
    pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    { status: 'True', reason: 'TerminationByKubelet', message },
  );
  t.match(pod.status?.containerStatuses, [{ state: { terminated: { exitCode: 137 } } }]);
  t.strictSame(
    rig.runtime.signals.map(({ signal }) => signal),
    [9],
    'no grace, and nobody else',
  );
  const left = () => [rig.network.attached().length, rig.runtime.sandboxes.size];
  await eventually('its surroundings to go', () => left().join() === '2,2');
  await eventually('the event', async () => {
    const { items } = await rig.api.collection<Event>(events).list();
    return items.some((one) => one.reason === 'Evicted' && one.message === message);
  });
  t.equal(await it.next(), 'bare');
  await rig.until('bare', hasFailed);
  await eventually('its surroundings to go', () => left().join() === '1,1');
  t.equal(await it.next(), 'modest', 'within its request, but nobody else is left');
  await rig.until('modest', hasFailed);
  t.equal(await it.look(), '');
});

t.test('the next pod stays while the last one is not gone, but not for ever', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  await runs(rig, 'one');
  await runs(rig, 'two');
  it.memory['one'] = 10;
  it.now = noMemory;
  rig.runtime.kill = async () => undefined;
  t.equal(await it.look(), 'one');
  t.equal(await it.look(), '');
  await it.clock.advance(29_000);
  t.equal(await it.look(), '');
  await it.clock.advance(1_000);
  t.equal(await it.look(), 'two');
});

t.test('who is critical, and who is over already, is left alone', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  await runs(rig, 'system', { priority: 2_000_001_000 });
  await runs(rig, 'done', { restartPolicy: 'Never' });
  const [id = ''] = [...rig.runtime.containers].flatMap(([key, { spec }]) =>
    Object.values(spec.labels).includes('done') ? [key] : [],
  );
  rig.runtime.exit(id, 0);
  await rig.until('done', (pod) => pod.status?.phase === 'Succeeded');
  it.now = noMemory;
  t.equal(await it.look(), '');
  t.ok(isRunning(await rig.get('system')));
});

t.test('short of disk: first what nobody uses goes', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  await runs(rig, 'small');
  await runs(rig, 'large');
  for (const { layerDir, labels } of rig.runtime.started) {
    mkdirSync(join(layerDir, 'upper'), { recursive: true });
    const bytes = Object.values(labels).includes('large') ? 300_000 : 30_000;
    writeFileSync(join(layerDir, 'upper', 'data'), Buffer.alloc(bytes));
  }
  it.now = noDisk;
  it.afterReclaim = plenty;
  t.equal(await it.look(), '', 'that was enough');
  t.equal(it.reclaims, 1);
  t.equal(it.pressure.conditions.disk, true, 'told nevertheless');
  it.now = noDisk;
  it.afterReclaim = undefined;
  t.equal(await it.look(), 'large');
  t.equal(it.reclaims, 2);
  const { status } = await rig.until('large', hasFailed);
  t.match(
    status?.message,
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: 10000Mi, available: 4000Mi\. Container main was using \d+Ki, request is 0, has larger consumption of ephemeral-storage\. $/,
  );
});

t.test('a volume over its size takes its pod away, whatever the node has left', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  const volumes = [{ name: 'x', emptyDir: { sizeLimit: '1Mi' } }];
  const { metadata } = await runs(rig, 'full', { volumes });
  await runs(rig, 'empty', { volumes });
  t.equal(await it.look(), '');
  const file = join(volumesDir(rig.world.paths, metadata.uid ?? ''), 'x', 'data');
  writeFileSync(file, Buffer.alloc(2 * mi, 1));
  t.equal(await it.look(), 'full');
  const { status } = await rig.until('full', hasFailed);
  t.match(status, {
    reason: 'Evicted',
    message: 'Usage of EmptyDir volume "x" exceeds the limit "1Mi". ',
  });
});

t.test(
  'a node short of memory takes no new pod without requests; what is there stays',
  async (t) => {
    const it = await pressed(t);
    const { rig } = it;
    await runs(rig, 'before', requesting('1Gi'));
    it.pressure.observe(noMemory, it.clock.now());
    await rig.create(podOf('new'));
    const { status } = await rig.until('new', hasFailed);
    t.match(status, {
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    });
    t.notOk(status?.conditions?.some(({ type }) => type === 'DisruptionTarget'));
    await runs(rig, 'requesting', requesting('1Mi'));
    t.ok(isRunning(await rig.get('before')));
    t.equal(rig.runtime.started.length, 2);
  },
);

t.test('it looks every ten seconds, tells changes, and survives what it cannot read', async (t) => {
  const it = await pressed(t);
  await it.evictions.start();
  t.strictSame([it.pressure.conditions.memory, it.changes], [false, 0]);
  it.now = noMemory;
  await it.clock.advance(9_999);
  t.equal(it.changes, 0);
  await it.clock.advance(1);
  t.strictSame([it.pressure.conditions.memory, it.changes], [true, 1]);
  it.now = undefined as unknown as Signals;
  await it.clock.advance(10_000);
  it.now = plenty;
  await it.clock.advance(280_000);
  t.strictSame([it.pressure.conditions.memory, it.changes], [true, 1]);
  await it.clock.advance(10_000);
  t.strictSame([it.pressure.conditions.memory, it.changes], [false, 2]);
  it.evictions.stop();
  await it.clock.advance(10_000);
  t.equal(it.clock.pending, 0);
});

t.test('an evicted pod stays so in the agent’s next life', async (t) => {
  const it = await pressed(t);
  const { rig } = it;
  await runs(rig, 'web');
  it.now = noMemory;
  t.equal(await it.look(), 'web');
  const { status } = await rig.until('web', hasFailed);
  await rig.restart();
  await eventually('the pod to be known', () => rig.pods.find('default', 'web') !== undefined);
  await runs(rig, 'other');
  t.strictSame((await rig.get('web')).status, status);
  t.equal(rig.runtime.started.length, 2);
});

t.test('of what has ended the writable layers can go', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await runs(rig, 'web');
  const first = rig.runtime.started[0]?.id ?? '';
  rig.runtime.exit(first, 1);
  await eventually('a second run', () => rig.runtime.started.length === 2);
  await removeEndedLayers(rig.world);
  t.strictSame(
    rig.runtime.removedLayers.map((dir) => dir.endsWith(`/${first}`)),
    [true],
  );
});
