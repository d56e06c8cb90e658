import t from 'tap';
import { nodes, pods, replicationControllers } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Pod, ReplicationController } from '#api/resources/types.ts';
import { replicationControllerController } from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const web = { name: 'web', namespace: 'default' };

const aController = (replicas: number): ReplicationController => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { ...web },
  spec: {
    replicas,
    selector: { app: 'web' },
    template: { metadata: { name: '', labels: { app: 'web' } }, spec: aPod('web').spec },
  } as NonNullable<ReplicationController['spec']>,
});

const controllers = (api: MemoryApi) =>
  api.collection<ReplicationController>(replicationControllers);
const podList = (api: MemoryApi) => api.store.all(pods) as Pod[];

t.test(
  'it keeps so many pods, owned by it, and tells them without ReplicaSet fields',
  async (t) => {
    const { api, clock, settle, start } = running(replicationControllerController);
    start();
    await controllers(api).create(aController(2));
    await settle();
    playAgent(api, clock);
    await settle();
    t.match(
      podList(api).map(({ metadata }) => metadata.ownerReferences?.[0]),
      Array(2).fill({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web' }),
    );
    const { status, spec } = await controllers(api).get(web);
    t.strictSame(status, {
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    });
    t.strictSame(spec?.selector, { app: 'web' }, 'the selector stays a plain map');
  },
);

t.test('pods are adopted by their labels and released with them', async (t) => {
  const { api, settle, start } = running(replicationControllerController);
  start();
  api.seed(pods, aPod('orphan', {}, { app: 'web' }));
  await controllers(api).create(aController(1));
  await settle();
  const orphan = { name: 'orphan', namespace: 'default' };
  t.match(api.store.find(pods, orphan)?.metadata.ownerReferences, [{ name: 'web' }]);
  await api.collection<Pod>(pods).patch(orphan, { metadata: { labels: { app: 'x' } } }, 'merge');
  await settle();
  t.strictSame(api.store.find(pods, orphan)?.metadata.ownerReferences ?? [], []);
  t.equal(podList(api).length, 2, 'and another takes its place');
});

t.test('a quota that refuses pods is told as ReplicaFailure', async (t) => {
  const { api, settle, start } = running(replicationControllerController);
  api.fault = ({ verb, type }) => {
    if (verb === 'create' && type === pods) throw failure(403, 'Forbidden', 'exceeded quota');
  };
  start();
  await controllers(api).create(aController(3));
  await settle();
  const { status } = await controllers(api).get(web);
  t.match(status?.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
  ]);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const scenario = {
    controllers: [replicationControllerController, schedulerController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, aNode('a')),
      (api: MemoryApi) => controllers(api).create(aController(3)),
      (api: MemoryApi) => controllers(api).patch(web, { spec: { replicas: 1 } }, 'merge'),
    ],
    picture: (api: MemoryApi) => ({
      status: (api.store.find(replicationControllers, web) as ReplicationController).status,
      pods: podList(api).map(({ spec, status }) => [spec?.nodeName, status?.phase]),
    }),
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 8, `${writes} writes`);
});
