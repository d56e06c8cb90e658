import t from 'tap';
import { events, nodes, pods } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Event, Pod } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode, aPod, asking } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { flush } from '../../support/virtual-clock.ts';

const setUp = () => {
  const run = running(schedulerController);
  const podList = () => run.api.store.all(pods) as Pod[];
  const nodeOf = (name: string) => podList().find((p) => p.metadata.name === name)?.spec?.nodeName;
  return { ...run, podList, nodeOf };
};

t.test('a pod is bound without any time passing', async (t) => {
  const { api, start, nodeOf } = setUp();
  api.seed(nodes, aNode('a'));
  start();
  await flush();
  await api.collection<Pod>(pods).create(aPod('p'));
  await flush();
  t.equal(nodeOf('p'), 'a');
});

t.test('pods that were there before the scheduler are bound', async (t) => {
  const { api, start, settle, nodeOf } = setUp();
  api.seed(nodes, aNode('a'));
  api.seed(pods, aPod('p'));
  start();
  await settle();
  t.equal(nodeOf('p'), 'a');
});

t.test('a burst fills every node and none too full', async (t) => {
  const { api, start, settle, podList } = setUp();
  api.seed(nodes, aNode('a'), aNode('b'));
  start();
  await flush();
  const collection = api.collection<Pod>(pods);
  const names = [...Array(50).keys()].map((i) => `p${i}`);
  await Promise.all(names.map((name) => collection.create(asking(name, { cpu: '100m' }))));
  await settle();
  const on = (node: string) => podList().filter(({ spec }) => spec?.nodeName === node).length;
  t.strictSame([on('a'), on('b')], [20, 20]);
});

t.test('a pod without room says why, once, and is bound when another goes', async (t) => {
  const { api, start, settle, nodeOf, podList } = setUp();
  api.seed(nodes, aNode('a', { cpu: '1' }));
  api.seed(pods, asking('big', { cpu: '1' }, { nodeName: 'a' }));
  start();
  await api.collection<Pod>(pods).create(asking('p', { cpu: '500m' }));
  await settle(60_000);
  const message =
    '0/1 nodes are available: 1 Insufficient cpu. ' +
    'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  const waiting = podList().find(({ metadata }) => metadata.name === 'p');
  t.match(waiting?.status?.conditions, [condition]);
  t.equal(api.requests.filter((request) => request.startsWith('patchStatus')).length, 1);
  const told = api.store.all(events) as Event[];
  t.match(told, [{ reason: 'FailedScheduling', message, type: 'Warning' }]);
  await api
    .collection<Pod>(pods)
    .delete({ name: 'big', namespace: 'default' }, { gracePeriodSeconds: 0 });
  await settle(0);
  t.equal(nodeOf('p'), 'a');
});

t.test('a pod without a node is bound when one comes', async (t) => {
  const { api, start, settle, nodeOf } = setUp();
  api.seed(pods, aPod('p'));
  start();
  await settle();
  t.equal(nodeOf('p'), undefined);
  api.seed(nodes, aNode('late'));
  await settle(0);
  t.equal(nodeOf('p'), 'late');
});

t.test('a failed binding gives its room back and is tried again', async (t) => {
  const { api, start, settle, nodeOf, failures } = setUp();
  api.seed(nodes, aNode('a', { pods: '1' }));
  let broken = 2;
  api.fault = ({ verb }) => {
    if (verb !== 'binding' || broken === 0) return;
    broken -= 1;
    throw failure(500, 'InternalError', 'etcd is away');
  };
  start();
  await api.collection<Pod>(pods).create(aPod('p'));
  await settle();
  t.equal(nodeOf('p'), 'a');
  t.equal(failures.length, 2);
});

t.test('pods of other schedulers, gated pods and ended pods are left alone', async (t) => {
  const { api, start, settle, podList } = setUp();
  api.seed(nodes, aNode('a'));
  api.seed(
    pods,
    aPod('other', { schedulerName: 'mine' }),
    aPod('gated', { schedulingGates: [{ name: 'wait' }] }),
    { ...aPod('ended'), status: { phase: 'Failed' } } as Pod,
  );
  start();
  await settle();
  t.ok(podList().every(({ spec }) => spec?.nodeName === undefined));
});

t.test('one that leaves wakes as many as have room, not all who wait', async (t) => {
  const { api, start, settle, podList } = setUp();
  api.seed(nodes, aNode('a', { cpu: '1' }), aNode('b', { cpu: '1' }));
  api.seed(pods, asking('big', { cpu: '1' }, { nodeName: 'a' }));
  api.seed(pods, asking('other', { cpu: '1' }, { nodeName: 'b' }));
  for (let i = 0; i < 200; i += 1) api.seed(pods, asking(`p${i}`, { cpu: '20m' }));
  start();
  await settle();
  const ref = { name: 'big', namespace: 'default' };
  await api.collection<Pod>(pods).delete(ref, { gracePeriodSeconds: 0 });
  await settle(0);
  const placed = podList().filter(
    ({ metadata, spec }) => metadata.name !== 'other' && spec?.nodeName,
  );
  t.equal(placed.length, 50, 'all of the room is taken at once');
});
