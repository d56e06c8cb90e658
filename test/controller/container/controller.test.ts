import t from 'tap';
import { containers, nodes, pods } from '#api/resources/resource-types.ts';
import { invalid } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { containerController } from '#controller/container/controller.ts';
import type { Container, ContainerSpec } from '#controller/container/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const ref = { name: 'web', namespace: 'default' };
const document = (spec: Partial<ContainerSpec> = {}): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { ...ref },
  spec: { image: 'busybox', ...spec },
});

const podOf = (api: MemoryApi) => api.store.find(pods, ref) as Pod | undefined;

/** Sets the state of the Pod's one container, as an agent would. */
function tell(api: MemoryApi, phase: string, containerStatus: object): void {
  const pod = structuredClone(podOf(api)) as Pod;
  const [held] = pod.status?.containerStatuses ?? [];
  const containerStatuses = [{ ...held, ...containerStatus }];
  api.store.put(pods, { ...pod, status: { ...pod.status, phase, containerStatuses } } as Pod);
}

const exit = (exitCode: number) => ({
  state: { terminated: { exitCode, reason: 'Error', finishedAt: '2030-01-01T00:00:09Z' } },
});

async function setUp(spec: Partial<ContainerSpec> = {}) {
  const run = running(containerController, schedulerController);
  run.api.seed(nodes, aNode('a'));
  run.start();
  const collection = run.api.collection<Container>(containers);
  await collection.create(document(spec));
  const status = async () => (await collection.get(ref)).status;
  const rest = async () => {
    for (let round = 0; round < 4; round += 1) {
      await run.settle();
      playAgent(run.api, run.clock);
    }
    await run.settle();
  };
  await run.settle();
  return { ...run, collection, status, rest };
}

t.test('a Container runs as a Pod of its name and tells it as Docker would', async (t) => {
  const { api, rest, status } = await setUp({ ports: [{ containerPort: 80 }] });
  t.match(await status(), { phase: 'created', restartCount: 0 });
  await rest();
  t.equal(podOf(api)?.spec?.nodeName, 'a');
  const told = await status();
  t.match(told, {
    phase: 'running',
    observedGeneration: 1,
    ip: '10.244.0.2',
    node: 'a',
    image: 'busybox',
    ports: [{ containerPort: 80 }],
    conditions: [
      { type: 'Ready', status: 'True', observedGeneration: 1 },
      { type: 'Synced', status: 'True', reason: 'Synced', observedGeneration: 1 },
    ],
  });
  t.match(told?.containerID, /^[0-9a-f]{64}$/);
});

t.test('a container that has ended is not run again, and keeps its Pod for its logs', async (t) => {
  const { api, rest, status, settle } = await setUp();
  await rest();
  tell(api, 'Failed', exit(3));
  await rest();
  t.match(await status(), { phase: 'exited', exitCode: 3, finishedAt: '2030-01-01T00:00:09Z' });
  await api.collection(pods).delete(ref);
  await settle();
  t.equal(podOf(api), undefined);
  t.match(await status(), { phase: 'exited', exitCode: 3 });
});

t.test('a container that is kept up is restarting between its runs', async (t) => {
  const { api, rest, status } = await setUp({ restartPolicy: 'always' });
  await rest();
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };
  tell(api, 'Running', { state: { waiting }, lastState: exit(1).state, restartCount: 2 });
  await rest();
  t.match(await status(), { phase: 'restarting', exitCode: 1, restartCount: 2 });
  await api.collection(pods).delete(ref, { gracePeriodSeconds: 0 });
  await rest();
  t.match(await status(), { phase: 'running' }, 'and comes back when somebody deletes its Pod');
});

t.test('stopping deletes the Pod and keeps the document; starting makes a new one', async (t) => {
  const { api, rest, status, collection, settle } = await setUp();
  await rest();
  const { uid } = podOf(api)?.metadata ?? {};
  const { containerID } = (await status()) ?? {};
  await collection.patch(ref, { spec: { state: 'Stopped' } }, 'merge');
  await settle();
  t.ok(podOf(api)?.metadata.deletionTimestamp, 'it is given its grace');
  tell(api, 'Running', exit(143));
  await settle();
  await rest();
  t.equal(podOf(api), undefined);
  t.match(await status(), { phase: 'exited', exitCode: 143, containerID });
  await collection.patch(ref, { spec: { state: 'Running' } }, 'merge');
  await rest();
  t.not(podOf(api)?.metadata.uid, uid);
  t.match(await status(), { phase: 'running', containerID });
});

t.test('one that is started before its last Pod was seen to go runs again', async (t) => {
  const { api, clock, rest, settle, status, collection } = await setUp();
  await rest();
  await collection.patch(ref, { spec: { state: 'Stopped' } }, 'merge');
  await settle();
  tell(api, 'Failed', exit(7));
  playAgent(api, clock);
  await collection.patch(ref, { spec: { state: 'Running' } }, 'merge');
  await rest();
  t.match(await status(), { phase: 'running' });
});

t.test('a created container has no Pod', async (t) => {
  const { api, rest, status } = await setUp({ state: 'Created' });
  await rest();
  t.equal(podOf(api), undefined);
  t.match(await status(), { phase: 'created' });
});

t.test('another spec replaces the Pod, another lifecycle does not', async (t) => {
  const { api, rest, collection } = await setUp();
  await rest();
  const { uid } = podOf(api)?.metadata ?? {};
  await collection.patch(ref, { spec: { autoRemove: true } }, 'merge');
  await rest();
  t.equal(podOf(api)?.metadata.uid, uid);
  await collection.patch(ref, { spec: { image: 'busybox:2' } }, 'merge');
  await rest();
  t.not(podOf(api)?.metadata.uid, uid);
  t.equal(podOf(api)?.spec?.containers[0]?.image, 'busybox:2');
});

t.test('autoRemove takes the document away when the container has ended', async (t) => {
  const { api, rest, collection } = await setUp({ autoRemove: true });
  await rest();
  tell(api, 'Succeeded', exit(0));
  await rest();
  await t.rejects(collection.get(ref), /not found/);
});

t.test(
  'autoRemove takes it away also when it was stopped, but not before it has run',
  async (t) => {
    const { api, rest, settle, collection } = await setUp({ autoRemove: true, state: 'Stopped' });
    await rest();
    await collection.patch(ref, { spec: { state: 'Running' } }, 'merge');
    await rest();
    await collection.patch(ref, { spec: { state: 'Stopped' } }, 'merge');
    await settle();
    tell(api, 'Running', exit(137));
    await settle();
    await rest();
    await t.rejects(collection.get(ref), /not found/);
  },
);

t.test('on-failure stops after as many restarts as allowed', async (t) => {
  const { api, rest, status } = await setUp({ restartPolicy: 'on-failure', maximumRetryCount: 3 });
  await rest();
  tell(api, 'Running', { ...exit(1), restartCount: 3 });
  await rest();
  t.equal(podOf(api), undefined);
  t.match(await status(), { phase: 'exited', exitCode: 1, restartCount: 3 });
});

t.test('a user by name is left to the node, which has the image', async (t) => {
  const { api, rest } = await setUp({ user: 'www:web' });
  await rest();
  t.equal(podOf(api)?.metadata.annotations?.['bayplan.dev/user'], 'www:web');
  t.equal(podOf(api)?.spec?.containers[0]?.securityContext, undefined);
});

t.test('a Pod of its name that is not its own is left alone', async (t) => {
  const run = running(containerController);
  run.api.seed(pods, aPod('web'));
  run.api.seed(containers, document());
  run.start();
  await run.settle();
  const { status } = await run.api.collection<Container>(containers).get(ref);
  t.match(
    status?.conditions?.find(({ type }) => type === 'Synced'),
    { reason: 'NameTaken' },
  );
  t.equal(podOf(run.api)?.metadata.ownerReferences, undefined);
  await run.api.collection(pods).delete(ref);
  await run.settle();
  t.equal(podOf(run.api)?.metadata.ownerReferences?.[0]?.kind, 'Container');
});

t.test('a Pod that the API refuses is told with its reason and not tried for ever', async (t) => {
  const run = running(containerController);
  run.api.fault = ({ verb, type }) => {
    const field = 'spec.containers[0].image';
    if (verb === 'create' && type === pods) throw invalid(pods, 'web', [{ field, message: 'no' }]);
  };
  run.api.seed(containers, document());
  run.start();
  await run.settle(60_000);
  const { status } = await run.api.collection<Container>(containers).get(ref);
  t.match(
    status?.conditions?.find(({ type }) => type === 'Synced'),
    {
      reason: 'PodRefused',
      message: /spec\.containers\[0\]\.image: no/,
    },
  );
  t.ok(run.failures.length <= 3, `${run.failures.length} tries`);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const scenario = {
    controllers: [containerController, schedulerController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, aNode('a')),
      (api: MemoryApi) => api.collection(containers).create(document()),
      (api: MemoryApi) => api.collection(containers).patch(ref, { spec: { image: 'b' } }, 'merge'),
      (api: MemoryApi) =>
        api.collection(containers).patch(ref, { spec: { state: 'Stopped' } }, 'merge'),
      (api: MemoryApi) =>
        api.collection(containers).patch(ref, { spec: { state: 'Running' } }, 'merge'),
    ],
    picture: (api: MemoryApi) => {
      const { status } = api.store.find(containers, ref) as Container;
      const { phase, observedGeneration, node, image, ip, conditions = [] } = status ?? {};
      const told = conditions.map(({ type, status, reason }) => [type, status, reason]);
      return { phase, observedGeneration, node, image, ip, told, pods: api.store.all(pods).length };
    },
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes >= 8, `${writes} writes`);
});
