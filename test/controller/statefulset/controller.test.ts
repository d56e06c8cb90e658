import t from 'tap';
import {
  controllerRevisions,
  events,
  nodes,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { ControllerRevision, Event, Pod, StatefulSet } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { statefulSetController } from '#controller/statefulset/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aStatefulSet, imagePatch, namesOf } from '../../support/workload-builders.ts';

const web = { name: 'web', namespace: 'default' };
const sets = (api: MemoryApi) => api.collection<StatefulSet>(statefulSets);
const podList = (api: MemoryApi) => api.store.all(pods) as Pod[];
const imagesOf = (api: MemoryApi) => podList(api).map((pod) => pod.spec?.containers[0]?.image);

async function setUp(replicas: number, spec = {}) {
  const run = running(statefulSetController);
  run.start();
  await sets(run.api).create(aStatefulSet('web', replicas, spec));
  const rest = async (watch: () => void = () => undefined) => {
    for (let round = 0; round < 25; round += 1) {
      await run.settle();
      watch();
      playAgent(run.api, run.clock);
    }
  };
  return { ...run, rest };
}

t.test('pods come one after the other, go in reverse, and keep their names', async (t) => {
  const { api, rest, settle } = await setUp(3);
  const seen: number[] = [];
  await rest(() => seen.push(podList(api).filter((p) => p.status?.phase !== 'Running').length));
  t.ok(Math.max(...seen) <= 1, 'never two that are not ready');
  t.strictSame(namesOf(podList(api)), ['web-0', 'web-1', 'web-2']);
  t.match((await sets(api).get(web)).status, { replicas: 3, readyReplicas: 3, currentReplicas: 3 });
  await sets(api).patch(web, { spec: { replicas: 1 } }, 'merge');
  await rest();
  t.strictSame(namesOf(podList(api)), ['web-0']);
  await api.collection<Pod>(pods).delete({ ...web, name: 'web-0' });
  await settle();
  t.strictSame(namesOf(podList(api)), ['web-0'], 'it is made again');
});

t.test('an update rolls down from the highest, with a partition up to it', async (t) => {
  const { api, rest } = await setUp(3);
  await rest();
  const rolling = { rollingUpdate: { partition: 2 } };
  await sets(api).patch(web, { spec: { updateStrategy: rolling } }, 'merge');
  await sets(api).patch(web, imagePatch('busybox:2'), 'strategic');
  await rest();
  t.strictSame(imagesOf(api), ['busybox', 'busybox', 'busybox:2'], 'a canary');
  const { status } = await sets(api).get(web);
  t.not(status?.currentRevision, status?.updateRevision);
  t.match(status, { currentReplicas: 2, updatedReplicas: 1 });
  await sets(api).patch(
    web,
    { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } },
    'merge',
  );
  await rest();
  t.strictSame(imagesOf(api), Array(3).fill('busybox:2'));
  const after = (await sets(api).get(web)).status;
  t.equal(after?.currentRevision, status?.updateRevision);
});

t.test('rolling back uses the old revision again', async (t) => {
  const { api, rest } = await setUp(1);
  await rest();
  for (const image of ['busybox:2', 'busybox']) {
    await sets(api).patch(web, imagePatch(image), 'strategic');
    await rest();
  }
  const revisions = api.store.all(controllerRevisions) as ControllerRevision[];
  t.strictSame(revisions.map(({ revision }) => revision).sort(), [2, 3]);
});

t.test('a failed pod is made again, but not in a hot loop, and told', async (t) => {
  const { api, clock, rest, settle } = await setUp(1);
  await rest();
  const fail = () => {
    for (const pod of podList(api)) {
      if (pod.status?.phase === 'Failed') continue;
      const metadata = { ...pod.metadata, creationTimestamp: new Date(clock.now()).toISOString() };
      api.store.put(pods, { ...pod, metadata, status: { phase: 'Failed' } } as Pod);
    }
  };
  let made = 0;
  const until = clock.now() + 10_000;
  while (clock.now() < until) {
    fail();
    await settle(50);
    made += api.requests.splice(0).filter((line) => line === 'create pods/default/web-0').length;
  }
  t.ok(made >= 3 && made <= 11, `${made} times in 10 s`);
  await settle(1_000);
  const told = (api.store.all(events) as Event[]).map(({ reason }) => reason);
  t.ok(told.includes('RecreatingFailedPod'));
});

t.test(
  'what cannot be made is told in an event, and is made when the cause has gone',
  async (t) => {
    const run = running(statefulSetController);
    run.api.fault = ({ verb, type }) => {
      if (verb === 'create' && type === pods) throw failure(403, 'Forbidden', 'exceeded quota');
    };
    run.start();
    await sets(run.api).create(aStatefulSet('web', 1));
    await run.settle(5_000);
    const told = (run.api.store.all(events) as Event[]).map(({ reason, message }) => [
      reason,
      message,
    ]);
    t.strictSame(told, [
      ['FailedCreate', 'create Pod web-0 in StatefulSet web failed error: exceeded quota'],
    ]);
    run.api.fault = () => undefined;
    await run.settle(60_000);
    t.equal(podList(run.api).length, 1);
  },
);

t.test('a name that another revision has leads to the next name', async (t) => {
  const first = await setUp(1);
  await first.settle();
  const [taken] = first.api.store.all(controllerRevisions);
  const run = running(statefulSetController);
  run.api.seed(controllerRevisions, {
    ...taken,
    metadata: { name: taken?.metadata.name ?? '', namespace: 'default' },
  } as ControllerRevision);
  run.start();
  await sets(run.api).create(aStatefulSet('web', 1));
  await run.settle(5_000);
  t.equal((await sets(run.api).get(web)).status?.collisionCount, 1);
  t.equal(podList(run.api).length, 1);
});

t.test('at rest nothing is written', async (t) => {
  const { api, rest, settle } = await setUp(2);
  await rest();
  const { revision } = api.store;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
});

function picture(api: MemoryApi): unknown {
  const revisions = api.store.all(controllerRevisions) as ControllerRevision[];
  const claims = api.store.all(persistentVolumeClaims);
  return {
    status: (api.store.find(statefulSets, web) as StatefulSet).status,
    pods: podList(api).map(({ metadata, spec, status }) => [
      metadata.name,
      metadata.labels,
      spec?.containers[0]?.image,
      status?.phase,
    ]),
    revisions: revisions.map(({ metadata, revision }) => [metadata.name, revision]),
    claims: claims.map(({ metadata }) => [
      metadata.name,
      metadata.ownerReferences?.map(({ kind }) => kind),
    ]),
  };
}

const spec = {
  volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
  persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
};

for (const [policy, bound] of [
  ['OrderedReady', 'with claims'],
  ['OrderedReady', 'on a node'],
  ['Parallel', 'with claims'],
  ['Parallel', 'on a node'],
] as const) {
  t.test(
    `a crash between any two writes changes nothing in the end: ${policy}, ${bound}`,
    async (t) => {
      // Nobody binds claims here: on a node pods have none, and leave it slowly; with claims they run nowhere.
      const onNode = bound === 'on a node';
      const more = onNode ? {} : spec;
      const set = aStatefulSet('web', 2, { ...more, podManagementPolicy: policy });
      const scenario = {
        controllers: [statefulSetController, ...(onNode ? [schedulerController] : [])],
        steps: [
          ...(onNode ? [(api: MemoryApi) => api.seed(nodes, aNode('a'))] : []),
          (api: MemoryApi) => sets(api).create(set),
          (api: MemoryApi) => sets(api).patch(web, imagePatch('busybox:2'), 'strategic'),
          (api: MemoryApi) => sets(api).patch(web, { spec: { replicas: 1 } }, 'merge'),
        ],
        picture,
      };
      const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
        t.strictSame(result, undisturbed, crash),
      );
      t.ok(writes > 12, `${writes} writes`);
    },
  );
}
