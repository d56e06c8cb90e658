/** StatefulSets as the profile sees them, their pods played. */
import t from 'tap';
import { pods, statefulSets } from '#api/resources/resource-types.ts';
import type { Pod, StatefulSet } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { statefulSetController } from '#controller/statefulset/controller.ts';
import { imaged, imagesOf, lasting, namesOf, type Space, startRig } from './workload-rig.ts';

const prefix = 'StatefulSet Basic StatefulSet functionality';
const rig = await startRig([schedulerController, statefulSetController]);
/** Pods by `namespace/name` that are not to be ready, or have ended. */
const sick = new Map<string, 'unready' | number>();
rig.cluster.behave = ({ metadata }) =>
  sick.get(`${metadata.namespace}/${metadata.name}`) ?? 'ready';

const make = (space: Space, replicas: number, more = {}) =>
  space.create<StatefulSet>(
    statefulSets,
    'ss',
    lasting('ss', { serviceName: 'ss', replicas, ...more }),
  );
const ready = (space: Space, count: number) =>
  space.object<StatefulSet>(
    statefulSets,
    'ss',
    `${count} ready`,
    ({ status }) =>
      (status?.readyReplicas ?? 0) === count &&
      status?.replicas === count &&
      status.currentRevision === status.updateRevision,
  );
const scale = (space: Space, replicas: number) =>
  space.patch(statefulSets, 'ss', { spec: { replicas } });

async function turn(space: Space, state: 'unready' | 'ready'): Promise<void> {
  for (const name of ['ss-0', 'ss-1', 'ss-2']) {
    if (state === 'ready') sick.delete(`${space.namespace}/${name}`);
    else sick.set(`${space.namespace}/${name}`, state);
  }
  await rig.cluster.replay();
}

t.jobs = 6;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  const namespace = `ss-${name.toLowerCase().replace(/[^a-z]+/g, '-')}`.slice(0, 50);
  t.test(`${prefix} ${name}`, { buffered: true, timeout: 240_000 }, async (t) =>
    body(t, await rig.space(`${namespace}x`)),
  );
};
type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'ok' | 'strictSame'>;

test('should perform rolling updates and roll backs of template modifications', async (t, space) => {
  await make(space, 3);
  const { status } = await ready(space, 3);
  const old = status?.updateRevision;
  const birth = async () => (await space.pods()).map(({ metadata }) => metadata.creationTimestamp);
  await space.patch(statefulSets, 'ss', imaged('busybox:2'));
  const rolled = await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'rolled',
    ({ status: now }) =>
      now?.currentRevision !== old && now?.currentRevision === now?.updateRevision,
  );
  t.strictSame(imagesOf(await space.pods()), Array(3).fill('busybox:2'));
  t.equal((await birth()).length, 3);
  await space.patch(statefulSets, 'ss', imaged('busybox'));
  const back = await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'rolled back',
    ({ status: now }) => now?.currentRevision === old && now?.readyReplicas === 3,
  );
  t.not(rolled.status?.currentRevision, back.status?.currentRevision);
  t.equal((await space.revisions()).length, 2);
});

test('should perform canary updates and phased rolling updates of template modifications', async (t, space) => {
  const partition = (count: number) => ({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: count } },
  });
  await make(space, 3, partition(3));
  await ready(space, 3);
  await space.patch(statefulSets, 'ss', imaged('busybox:2'));
  const images = (count: number) =>
    space.until(
      `${count} new pods`,
      async () => imagesOf(await space.pods()),
      (found) => found.length === 3 && found.filter((one) => one === 'busybox:2').length === count,
    );
  const seen = await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'seen',
    ({ status }) => status?.currentRevision !== status?.updateRevision,
  );
  t.equal(seen.status?.updatedReplicas, undefined, 'a partition above all keeps all');
  await space.patch(statefulSets, 'ss', { spec: partition(2) });
  t.strictSame(await images(1), ['busybox', 'busybox', 'busybox:2'], 'the canary');
  await space.of<Pod>(pods).delete(space.ref('ss-0'));
  await space.of<Pod>(pods).delete(space.ref('ss-2'));
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'ready',
    (set) => set.status?.readyReplicas === 3,
  );
  t.strictSame(await images(1), ['busybox', 'busybox', 'busybox:2'], 'each comes as it was');
  for (const [index, count] of [
    [1, 2],
    [0, 3],
  ] as const) {
    await space.patch(statefulSets, 'ss', { spec: partition(index) });
    await images(count);
  }
  await ready(space, 3);
});

test('Scaling should happen in predictable order and halt if any stateful pod is unhealthy', async (t, space) => {
  await make(space, 1);
  await ready(space, 1);
  await turn(space, 'unready');
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'unready',
    ({ status }) => !status?.readyReplicas,
  );
  await scale(space, 3);
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'seen',
    ({ status }) => status?.observedGeneration === 2,
  );
  t.strictSame(namesOf(await space.pods()), ['ss-0'], 'it does not go on');
  await turn(space, 'ready');
  await ready(space, 3);
  await turn(space, 'unready');
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'unready',
    ({ status }) => !status?.readyReplicas,
  );
  await scale(space, 0);
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'seen',
    ({ status }) => status?.observedGeneration === 3,
  );
  t.equal((await space.pods()).length, 3, 'nor back');
  const gone: string[] = [];
  const watching = space
    .of<Pod>(pods)
    .watch({
      namespace: space.namespace,
      resourceVersion: (await space.of<Pod>(pods).list()).resourceVersion,
    })
    .subscribe({
      next: (event) => {
        if (event.type === 'DELETED') gone.push(event.object.metadata.name);
      },
      error: () => undefined,
    });
  await turn(space, 'ready');
  await space.until(
    'all to go',
    () => space.pods(),
    (found) => found.length === 0,
  );
  await space.until(
    'three deletions',
    async () => gone.length,
    (count) => count === 3,
  );
  watching.unsubscribe();
  t.strictSame(gone, ['ss-2', 'ss-1', 'ss-0']);
});

test('Burst scaling should run to completion even with unhealthy pods', async (t, space) => {
  for (const name of ['ss-0', 'ss-1', 'ss-2']) sick.set(`${space.namespace}/${name}`, 'unready');
  await make(space, 1, { podManagementPolicy: 'Parallel' });
  await scale(space, 3);
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'three',
    ({ status }) => status?.replicas === 3,
  );
  await scale(space, 0);
  await space.object<StatefulSet>(
    statefulSets,
    'ss',
    'none',
    ({ status }) => status?.replicas === 0,
  );
  t.strictSame(await space.pods(), []);
});

test('Should recreate evicted statefulset', async (t, space) => {
  sick.set(`${space.namespace}/ss-0`, 1);
  await make(space, 1);
  const failed = await space.until(
    'a failed pod',
    () => space.pods(),
    ([pod]) => pod?.status?.phase === 'Failed',
  );
  sick.delete(`${space.namespace}/ss-0`);
  const after = await space.until(
    'a running pod',
    () => space.pods(),
    ([pod]) => pod?.status?.phase === 'Running',
  );
  t.not(after[0]?.metadata.uid, failed[0]?.metadata.uid);
});

test('should have a working scale subresource', async (t, space) => {
  await make(space, 1);
  await ready(space, 1);
  const path = `/apis/apps/v1/namespaces/${space.namespace}/statefulsets/ss`;
  const scaled = await space.scale(path, 2);
  t.match(scaled, {
    kind: 'Scale',
    spec: { replicas: 1 },
    status: { replicas: 1, selector: 'app=ss' },
  });
  await ready(space, 2);
});

test('should validate Statefulset Status endpoints', async (t, space) => {
  await make(space, 1);
  const { status } = await ready(space, 1);
  const condition = {
    type: 'StatusUpdate',
    status: 'True',
    reason: 'E2E',
    message: 'Set from e2e test',
  };
  const patched = await space
    .of<StatefulSet>(statefulSets)
    .patchStatus(space.ref('ss'), { status: { conditions: [condition] } }, 'merge');
  t.match(patched.status, { ...status, conditions: [condition] });
  await scale(space, 2);
  const after = await ready(space, 2);
  t.match(after.status?.conditions, [condition], 'the controller keeps what others say');
});
