/** Deployments as the profile sees them, their pods played. */
import t from 'tap';
import { deployments, pods, replicaSets } from '#api/resources/resource-types.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/resources/types.ts';
import { deploymentController } from '#controller/deployment/controller.ts';
import { garbageController } from '#controller/garbage/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { imaged, imagesOf, lasting, type Space, startRig } from './workload-rig.ts';

const controllers = [
  schedulerController,
  replicaSetController,
  deploymentController,
  garbageController,
];
const rig = await startRig(controllers);
rig.cluster.behave = ({ spec }) => (spec?.containers[0]?.image === 'missing' ? 'waiting' : 'ready');
const revisionKey = 'deployment.kubernetes.io/revision';

type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'ok' | 'strictSame'>;
t.jobs = 6;
let count = 0;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  count += 1;
  const space = `deployment-${count}`;
  t.test(`Deployment ${name}`, { buffered: true, timeout: 240_000 }, async (t) =>
    body(t, await rig.space(space)),
  );
};

const make = (space: Space, replicas: number, more = {}) =>
  space.create<Deployment>(deployments, 'web', lasting('web', { replicas, ...more }));
const complete = (space: Space, replicas: number) =>
  space.object<Deployment>(
    deployments,
    'web',
    `${replicas} up to date`,
    ({ metadata, status }) =>
      status?.observedGeneration === metadata.generation &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (status?.replicas ?? 0) === replicas &&
      (status?.availableReplicas ?? 0) === replicas,
  );
const setsOf = async (space: Space): Promise<ReplicaSet[]> =>
  [...(await space.of<ReplicaSet>(replicaSets).list({ namespace: space.namespace })).items].sort(
    (a, b) =>
      Number(a.metadata.annotations?.[revisionKey]) - Number(b.metadata.annotations?.[revisionKey]),
  );

test('RollingUpdateDeployment should delete old pods and create new ones', async (t, space) => {
  // An older ReplicaSet with pods of the same labels is taken over.
  const set = lasting('web', { replicas: 1 }, 'busybox:old');
  await space.create<ReplicaSet>(replicaSets, 'older', set);
  await space.object<ReplicaSet>(
    replicaSets,
    'older',
    'available',
    ({ status }) => status?.availableReplicas === 1,
  );
  const annotations = { [revisionKey]: '3546343826724305832' };
  const key = { metadata: { annotations, labels: { app: 'web' } } };
  await space.patch(replicaSets, 'older', key);
  await make(space, 1);
  const after = await complete(space, 1);
  t.equal(after.metadata.annotations?.[revisionKey], '3546343826724305833');
  t.strictSame(
    imagesOf(
      await space.until(
        'the old pod to go',
        () => space.pods(),
        (found) => found.length === 1,
      ),
    ),
    ['busybox'],
  );
  const older = await space.get<ReplicaSet>(replicaSets, 'older');
  t.match([older.spec?.replicas, older.metadata.ownerReferences?.[0]?.kind], [0, 'Deployment']);
});

test('RecreateDeployment should delete old pods and create new ones', async (t, space) => {
  await make(space, 2, { strategy: { type: 'Recreate' } });
  await complete(space, 2);
  const list = await space.of<Pod>(pods).list({ namespace: space.namespace });
  const living = new Map(list.items.map((pod) => [pod.metadata.uid, imagesOf([pod])[0]]));
  let mixed = false;
  const watch = space
    .of<Pod>(pods)
    .watch({ namespace: space.namespace, resourceVersion: list.resourceVersion });
  const watching = watch.subscribe({
    next: (event) => {
      if (event.type === 'BOOKMARK') return;
      if (event.type === 'DELETED') living.delete(event.object.metadata.uid);
      else living.set(event.object.metadata.uid, imagesOf([event.object])[0]);
      if (new Set(living.values()).size > 1) mixed = true;
    },
    error: () => undefined,
  });
  await space.patch(deployments, 'web', imaged('busybox:2'));
  await complete(space, 2);
  watching.unsubscribe();
  t.strictSame([mixed, imagesOf(await space.pods())], [false, ['busybox:2', 'busybox:2']]);
});

test('deployment should delete old replica sets', async (t, space) => {
  await make(space, 1, { revisionHistoryLimit: 0 });
  await complete(space, 1);
  await space.patch(deployments, 'web', imaged('busybox:2'));
  await complete(space, 1);
  const left = await space.until(
    'the old one to go',
    () => setsOf(space),
    (found) => found.length === 1,
  );
  t.equal(left[0]?.metadata.annotations?.[revisionKey], '2');
});

test('deployment should support rollover', async (t, space) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  await make(space, 2, { strategy });
  await complete(space, 2);
  await space.patch(deployments, 'web', imaged('missing'));
  await space.until(
    'a pod of the second',
    () => space.pods(),
    (found) => imagesOf(found).includes('missing'),
  );
  await space.patch(deployments, 'web', imaged('busybox:3'));
  await complete(space, 2);
  t.strictSame(imagesOf(await space.pods()), ['busybox:3', 'busybox:3']);
  t.strictSame(
    (await setsOf(space)).map(({ spec }) => spec?.replicas),
    [0, 0, 2],
  );
});

test('deployment should support proportional scaling', async (t, space) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  await make(space, 10, { strategy });
  await complete(space, 10);
  await space.patch(deployments, 'web', imaged('missing'));
  const sizes = (wanted: number[]) =>
    space.until(
      `sizes ${wanted}`,
      async () => (await setsOf(space)).map(({ spec }) => spec?.replicas),
      (found) => `${found}` === `${wanted}`,
    );
  t.strictSame(await sizes([8, 5]), [8, 5]);
  await space.patch(deployments, 'web', { spec: { replicas: 30 } });
  t.strictSame(await sizes([20, 13]), [20, 13], "the profile's own numbers");
});

test('Deployment should have a working scale subresource', async (t, space) => {
  await make(space, 1);
  await complete(space, 1);
  const path = `/apis/apps/v1/namespaces/${space.namespace}/deployments/web`;
  const scale = await space.scale(path, 2);
  t.match(scale, { kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=web' } });
  await complete(space, 2);
});

test('should run the lifecycle of a Deployment', async (t, space) => {
  await make(space, 2);
  await complete(space, 2);
  await space.patch(deployments, 'web', {
    metadata: { labels: { deployment: 'patched' } },
    spec: { replicas: 1, ...imaged('busybox:2').spec },
  });
  await complete(space, 1);
  await space.update<Deployment>(deployments, 'web', ({ spec }) => {
    if (spec) spec.replicas = 2;
  });
  const after = await complete(space, 2);
  t.equal(after.metadata.labels?.['deployment'], 'patched');
  t.match(
    after.status?.conditions?.find(({ type }) => type === 'Progressing'),
    { status: 'True', reason: 'NewReplicaSetAvailable' },
  );
  await space
    .of<Deployment>(deployments)
    .delete(space.ref('web'), { propagationPolicy: 'Background' });
  await space.until(
    'all to go',
    async () => [...(await setsOf(space)), ...(await space.pods())],
    (left) => left.length === 0,
  );
});

test('should pause, resume and undo as kubectl does', async (t, space) => {
  await make(space, 1);
  await complete(space, 1);
  await space.patch(deployments, 'web', { spec: { paused: true, ...imaged('busybox:2').spec } });
  const paused = ({ status }: Deployment) =>
    status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
  await space.object<Deployment>(
    deployments,
    'web',
    'paused',
    (found) => paused(found) === 'DeploymentPaused',
  );
  t.equal((await setsOf(space)).length, 1);
  await space.patch(deployments, 'web', { spec: { paused: false } });
  await complete(space, 1);
  t.strictSame(imagesOf(await space.pods()), ['busybox:2']);
  await space.patch(deployments, 'web', imaged('busybox'));
  const back = await complete(space, 1);
  t.equal(back.metadata.annotations?.[revisionKey], '3');
  t.equal((await setsOf(space)).length, 2);
});
