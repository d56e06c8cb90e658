/** Driving pods away, with the controller under virtual time. */
import t from 'tap';
import { events, nodes, podDisruptionBudgets, pods } from '#api/resources/resource-types.ts';
import type { Event, Pod } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { budget, pod } from './important-pods.ts';

const setUp = (...there: Pod[]) => {
  const run = running(schedulerController);
  run.api.seed(nodes, aNode('a'));
  run.api.seed(
    pods,
    ...there.map((one) => ({ ...one, spec: { ...one.spec, nodeName: 'a' } }) as Pod),
  );
  const get = (name: string) =>
    run.api.store.find(pods, { name, namespace: 'default' }) as Pod | undefined;
  const create = (one: Pod) => {
    const { uid: _, ...metadata } = one.metadata;
    return run.api.collection<Pod>(pods).create({ ...one, metadata });
  };
  return { ...run, get, create };
};

t.test('the victim is told why, the node is promised, nobody else takes the room', async (t) => {
  const { api, clock, start, settle, get, create } = setUp(pod('low', 1, '2'));
  start();
  await settle();
  await create(pod('high', 100, '2'));
  await settle();
  t.match(get('high')?.status, {
    nominatedNodeName: 'a',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
  });
  t.ok(get('low')?.metadata.deletionTimestamp);
  t.match(get('low')?.status?.conditions, [
    { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' },
  ]);
  await create(pod('thief', 50, '1'));
  await settle();
  playAgent(api, clock);
  await settle();
  t.equal(get('low'), undefined);
  t.equal(get('high')?.spec?.nodeName, 'a');
  t.equal(get('thief')?.spec?.nodeName, undefined);
  const told = (api.store.all(events) as Event[]).filter(({ reason }) => reason === 'Preempted');
  t.match(told, [
    { message: `Preempted by pod ${get('high')?.metadata.uid} on node a`, type: 'Normal' },
  ]);
});

t.test('while a victim is going nobody else has to', async (t) => {
  const { api, start, settle, get, create } = setUp(pod('x', 1, '1'), pod('y', 2, '1'));
  start();
  await settle();
  await create(pod('high', 100, '1'));
  await settle(600_000);
  t.ok(get('x')?.metadata.deletionTimestamp);
  t.notOk(get('y')?.metadata.deletionTimestamp);
  t.equal(api.requests.filter((request) => request.startsWith('delete pods')).length, 1);
});

t.test('a promise that is no longer needed is taken back', async (t) => {
  const { api, start, settle, get } = setUp(pod('x', 500, '2'));
  const stale = pod('p', 1, '1');
  api.seed(pods, { ...stale, status: { phase: 'Pending', nominatedNodeName: 'a' } } as Pod);
  start();
  await settle();
  t.equal(get('p')?.status?.nominatedNodeName, undefined);
});

t.test('a budget is read from the cluster', async (t) => {
  const { api, start, settle, get, create } = setUp(pod('x', 1, '1'), pod('y', 2, '1'));
  api.seed(podDisruptionBudgets, budget('x', 0));
  start();
  await settle();
  await create(pod('high', 100, '1'));
  await settle();
  t.ok(get('y')?.metadata.deletionTimestamp);
  t.notOk(get('x')?.metadata.deletionTimestamp);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const clean = (one: Pod): Pod => {
    const { uid: _, ...metadata } = one.metadata;
    return { ...one, metadata };
  };
  const scenario = {
    controllers: [schedulerController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, aNode('a'), aNode('b')),
      (api: MemoryApi) => {
        for (const i of [1, 2, 3, 4]) api.seed(pods, pod(`low${i}`, i, '1'));
      },
      (api: MemoryApi) => api.collection<Pod>(pods).create(clean(pod('high', 100, '2'))),
      (api: MemoryApi) => api.collection<Pod>(pods).create(clean(pod('mid', 50, '1'))),
    ],
    picture: (api: MemoryApi) => {
      const all = api.store.all(pods) as Pod[];
      const placed = all.filter(({ spec }) => spec?.nodeName !== undefined);
      return [
        all.length,
        placed.length,
        ['high', 'mid'].map((name) => placed.some(({ metadata }) => metadata.name === name)),
      ];
    },
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 10, `${writes} writes`);
});
