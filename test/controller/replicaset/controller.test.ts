import t from 'tap';
import { nodes, pods, replicaSets } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode, aPod, aReplicaSet } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const web = { name: 'web', namespace: 'default' };

async function setUp(replicas: number) {
  const run = running(replicaSetController);
  const sets = run.api.collection<ReplicaSet>(replicaSets);
  const podList = () => run.api.store.all(pods) as Pod[];
  run.start();
  const { resourceVersion: _, uid: __, ...metadata } = aReplicaSet('web', replicas).metadata;
  await sets.create({ ...aReplicaSet('web', replicas), metadata });
  await run.settle();
  return { ...run, sets, podList };
}

t.test('it makes as many pods as asked for and tells them in the status', async (t) => {
  const { api, clock, podList, sets, settle } = await setUp(10);
  t.equal(podList().length, 10);
  playAgent(api, clock);
  await settle();
  t.match((await sets.get(web)).status, {
    replicas: 10,
    readyReplicas: 10,
    availableReplicas: 10,
    observedGeneration: 1,
  });
});

t.test('a pod that is deleted is replaced, scaling follows', async (t) => {
  const { api, podList, sets, settle } = await setUp(3);
  const first = podList()[0];
  await api.collection<Pod>(pods).delete({ ...web, name: first?.metadata.name ?? '' });
  await settle();
  t.equal(podList().length, 3);
  t.notOk(podList().some(({ metadata }) => metadata.name === first?.metadata.name));
  await sets.patch(web, { spec: { replicas: 5 } }, 'merge');
  await settle();
  t.equal(podList().length, 5);
  await sets.patch(web, { spec: { replicas: 0 } }, 'merge');
  await settle();
  t.equal(podList().length, 0);
});

t.test('scaling down deletes no more than the surplus, however slowly pods go', async (t) => {
  const { api, clock, podList, sets, settle } = await setUp(6);
  for (const pod of podList()) {
    api.store.put(pods, { ...pod, spec: { containers: [], nodeName: 'a' } } as Pod);
  }
  playAgent(api, clock);
  await settle();
  await sets.patch(web, { spec: { replicas: 2 } }, 'merge');
  await settle(5_000);
  const leaving = podList().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  t.strictSame([podList().length, leaving.length], [6, 4]);
});

t.test('an orphan that it selects is adopted, and a pod too many goes', async (t) => {
  const { api, podList, settle } = await setUp(2);
  api.seed(pods, aPod('orphan', {}, { app: 'web' }));
  await settle();
  t.equal(podList().length, 2);
});

t.test('a create whose answer was lost does not make one pod too many', async (t) => {
  const run = running(replicaSetController);
  const create = run.api.collection.bind(run.api);
  let lost = 1;
  run.api.collection = ((type) => {
    const collection = create(type);
    if (type.plural !== 'pods') return collection;
    const inner = collection.create.bind(collection);
    collection.create = async (object) => {
      const reply = await inner(object);
      lost -= 1;
      if (lost === 0) throw failure(503, 'ServiceUnavailable', 'the answer broke off');
      return reply;
    };
    return collection;
  }) as typeof run.api.collection;
  run.api.seed(replicaSets, aReplicaSet('web', 1));
  run.start();
  await run.settle(5_000);
  t.equal(run.api.store.all(pods).length, 1);
});

t.test('a failing create is told in a condition, and told no more when it is cured', async (t) => {
  const run = running(replicaSetController);
  run.api.seed(replicaSets, aReplicaSet('web', 4));
  run.api.fault = ({ verb, type }) => {
    if (verb === 'create' && type === pods) throw failure(403, 'Forbidden', 'exceeded quota');
  };
  run.start();
  await run.settle();
  const sets = run.api.collection<ReplicaSet>(replicaSets);
  t.match((await sets.get(web)).status?.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
  ]);
  const tries = run.api.requests.filter((request) => request.startsWith('create pods'));
  t.ok(tries.length <= run.failures.length, 'one pod is tried, not four');
  run.api.fault = () => undefined;
  await run.settle(60_000);
  t.equal(run.api.store.all(pods).length, 4);
  t.equal((await sets.get(web)).status?.conditions, undefined);
});

t.test('failures that are worded anew each time do not hasten the next try', async (t) => {
  const run = running(replicaSetController);
  run.api.seed(replicaSets, aReplicaSet('web', 4));
  run.api.fault = ({ verb, type, ref }) => {
    if (verb === 'create' && type === pods) throw failure(403, 'Forbidden', `no ${ref?.name}`);
  };
  run.start();
  await run.settle(10_000);
  const tries = run.api.requests.filter((request) => request.startsWith('create pods'));
  t.ok(tries.length < 15, `${tries.length} tries in 10 s`);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const sets = (api: MemoryApi) => api.collection<ReplicaSet>(replicaSets);
  const { resourceVersion: _, uid: __, ...metadata } = aReplicaSet('web', 3).metadata;
  const scenario = {
    controllers: [replicaSetController, schedulerController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, aNode('a')),
      (api: MemoryApi) => sets(api).create({ ...aReplicaSet('web', 5), metadata }),
      (api: MemoryApi) => api.seed(pods, aPod('orphan', {}, { app: 'web' })),
      (api: MemoryApi) => sets(api).patch(web, { spec: { replicas: 2 } }, 'merge'),
    ],
    picture: (api: MemoryApi) => ({
      status: (api.store.find(replicaSets, web) as ReplicaSet).status,
      pods: (api.store.all(pods) as Pod[]).map(({ spec, status }) => [
        spec?.nodeName,
        status?.phase,
      ]),
    }),
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 15, `${writes} writes`);
});
