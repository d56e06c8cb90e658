/** ReplicaSets and ReplicationControllers as the profile sees them, their pods played. */
import t from 'tap';
import { pods, replicaSets, replicationControllers } from '#api/resources/resource-types.ts';
import type { Pod, ReplicaSet, ReplicationController } from '#api/resources/types.ts';
import {
  replicaSetController,
  replicationControllerController,
} from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { imaged, lasting, namesOf, type Space, startRig, template } from './workload-rig.ts';

const rig = await startRig([
  schedulerController,
  replicaSetController,
  replicationControllerController,
]);

type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'ok' | 'strictSame'>;
t.jobs = 6;
let count = 0;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  count += 1;
  const space = `set-${count}`;
  t.test(name, { buffered: true, timeout: 240_000 }, async (t) => body(t, await rig.space(space)));
};

type Sized = ReplicaSet | ReplicationController;
const kinds = [
  ['ReplicaSet', replicaSets, 'apis/apps/v1', lasting('web')],
  [
    'ReplicationController',
    replicationControllers,
    'api/v1',
    { selector: { app: 'web' }, template: template('web') },
  ],
] as const;

const available = (space: Space, type: typeof replicaSets, wanted: number) =>
  space.object<Sized>(
    type,
    'web',
    `${wanted} available`,
    ({ status }) => status?.availableReplicas === wanted && status.replicas === wanted,
  );

const orphan = (space: Space): Promise<Pod> =>
  space.of<Pod>(pods).create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orphan', namespace: space.namespace, labels: { app: 'web' } },
    spec: template('web').spec,
  });

for (const [kind, type, path, spec] of kinds) {
  const owner = async (space: Space) =>
    (await space.get<Pod>(pods, 'orphan')).metadata.ownerReferences?.[0]?.kind;
  const adopting = async (t: Tap, space: Space) => {
    const { metadata } = await orphan(space);
    await space.create(type, 'web', { ...spec, replicas: 1 });
    await space.until(
      'adoption',
      () => owner(space),
      (found) => found === kind,
    );
    await available(space, type, 1);
    const found = await space.pods('web');
    t.strictSame(
      found.map((pod) => pod.metadata.uid),
      [metadata.uid],
      'no other was made',
    );
  };
  const releasing = async (t: Tap, space: Space) => {
    await space
      .of<Pod>(pods)
      .patch(space.ref('orphan'), { metadata: { labels: { app: 'free' } } }, 'merge');
    await space.until(
      'release',
      () => owner(space),
      (found) => found === undefined,
    );
    await available(space, type, 1);
    t.equal((await space.pods('web')).length, 1, 'another takes its place');
  };
  if (kind === 'ReplicaSet') {
    test('ReplicaSet should adopt matching pods on creation and release no longer matching pods', async (t, space) => {
      await adopting(t, space);
      await releasing(t, space);
    });
  } else {
    test('ReplicationController should adopt matching pods on creation', adopting);
    test('ReplicationController should release no longer matching pods', async (t, space) => {
      await adopting(t, space);
      await releasing(t, space);
    });
  }
  const scaling =
    kind === 'ReplicaSet'
      ? 'Replicaset should have a working scale subresource'
      : 'should get and update a ReplicationController scale';
  test(`${kind} ${scaling}`, async (t, space) => {
    await space.create(type, 'web', { ...spec, replicas: 1 });
    await available(space, type, 1);
    const found = await space.scale(`/${path}/namespaces/${space.namespace}/${type.plural}/web`, 2);
    t.match(found, {
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 1, selector: 'app=web' },
    });
    await available(space, type, 2);
  });
  test(`${kind} should serve on each replica (its pods played)`, async (t, space) => {
    await space.create(type, 'web', { ...spec, replicas: 3 });
    await available(space, type, 3);
    const found = await space.pods('web');
    t.equal(new Set(namesOf(found)).size, 3);
    t.ok(found.every(({ metadata }) => metadata.ownerReferences?.[0]?.kind === kind));
  });
}

test('ReplicationController should surface a failure condition on a common issue like exceeded quota', async (t, space) => {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'two' },
    spec: { hard: { pods: '2' } },
  };
  await rig.cluster.client.request(
    'POST',
    `/api/v1/namespaces/${space.namespace}/resourcequotas`,
    quota,
  );
  await space.create(replicationControllers, 'web', { ...kinds[1][3], replicas: 3 });
  const failure = ({ status }: ReplicationController) =>
    status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const failed = await space.object<ReplicationController>(
    replicationControllers,
    'web',
    'a failure',
    (found) => failure(found) !== undefined,
  );
  t.match(failure(failed), { status: 'True', reason: 'FailedCreate', message: /exceeded quota/ });
  await space.patch(replicationControllers, 'web', { spec: { replicas: 2 } });
  const cured = await space.object<ReplicationController>(
    replicationControllers,
    'web',
    'no failure',
    (found) => failure(found) === undefined,
  );
  t.equal(cured.spec?.replicas, 2);
});

test('ReplicaSet Replace and Patch tests', async (t, space) => {
  await space.create(replicaSets, 'web', lasting('web', { replicas: 1 }));
  await available(space, replicaSets, 1);
  await space.update<ReplicaSet>(replicaSets, 'web', ({ spec }) => {
    if (spec) spec.replicas = 2;
  });
  await available(space, replicaSets, 2);
  const patch = {
    metadata: { labels: { 'test-rs': 'patched' } },
    spec: { replicas: 3, ...imaged('busybox:2').spec },
  };
  await space.patch(replicaSets, 'web', patch);
  const after = (await available(space, replicaSets, 3)) as ReplicaSet;
  t.equal(after.metadata.labels?.['test-rs'], 'patched');
  t.equal(after.spec?.template?.spec?.containers[0]?.image, 'busybox:2');
});

test('ReplicaSet should validate Replicaset Status endpoints', async (t, space) => {
  await space.create(replicaSets, 'web', lasting('web', { replicas: 1 }));
  const { status } = await available(space, replicaSets, 1);
  const condition = {
    type: 'StatusUpdate',
    status: 'True',
    reason: 'E2E',
    message: 'Set from e2e test',
  };
  const collection = space.of<ReplicaSet>(replicaSets);
  const patched = await collection.patchStatus(
    space.ref('web'),
    { status: { conditions: [condition] } },
    'merge',
  );
  t.match(patched.status, { ...status, conditions: [condition] });
  await space.patch(replicaSets, 'web', { spec: { replicas: 2 } });
  t.match((await available(space, replicaSets, 2)).status?.conditions, [condition]);
});
