import t from 'tap';
import { controllerOf } from '#api/resources/meta.ts';
import { deployments, nodes, pods, replicaSets } from '#api/resources/resource-types.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/resources/types.ts';
import { deploymentController } from '#controller/deployment/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aDeployment, aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere, type Scenario } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const controllers = [deploymentController, replicaSetController, schedulerController];
const web = { name: 'web', namespace: 'default' };
const image = (name: string) => ({
  spec: { template: { spec: { containers: [{ name: 'main', image: name }] } } },
});

const imagesOf = (api: MemoryApi) =>
  (api.store.all(pods) as Pod[]).map((pod) => pod.spec?.containers[0]?.image).sort();

async function setUp(spec = {}) {
  const run = running(...controllers);
  run.api.seed(nodes, aNode('a'));
  run.start();
  const collection = run.api.collection<Deployment>(deployments);
  await collection.create(aDeployment('web', 4, spec));
  /** Lets the rollout go on; `watch` looks after every round of the agent. */
  const rest = async (watch: () => void = () => undefined) => {
    for (let round = 0; round < 20; round += 1) {
      await run.settle();
      watch();
      playAgent(run.api, run.clock);
    }
  };
  return { ...run, collection, rest };
}

t.test('a Deployment comes up and says so', async (t) => {
  const { collection, rest, api } = await setUp();
  await rest();
  t.equal(api.store.all(pods).length, 4);
  const { status, metadata } = await collection.get(web);
  t.match(status, { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 });
  t.match(status?.conditions, [
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
  ]);
  t.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
});

t.test('a new template is rolled out within the bounds', async (t) => {
  const { collection, rest, api } = await setUp();
  await rest();
  await collection.patch(web, image('busybox:2'), 'strategic');
  const seen: number[][] = [];
  await rest(() => {
    const all = api.store.all(pods) as Pod[];
    const present = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const ready = present.filter(({ status }) => status?.phase === 'Running');
    seen.push([present.length, ready.length]);
  });
  t.ok(
    seen.every(([present = 0, ready = 0]) => present <= 5 && ready >= 3),
    JSON.stringify(seen),
  );
  t.strictSame(imagesOf(api), Array(4).fill('busybox:2'));
  const { metadata } = await collection.get(web);
  t.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '2');
});

t.test('undoing a rollout uses the old ReplicaSet again', async (t) => {
  const { collection, rest, api } = await setUp();
  await rest();
  await collection.patch(web, image('busybox:2'), 'strategic');
  await rest();
  await collection.patch(web, image('busybox'), 'strategic');
  await rest();
  t.strictSame(imagesOf(api), Array(4).fill('busybox'));
  t.equal(api.store.all(replicaSets).length, 2);
  const { metadata } = await collection.get(web);
  t.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
});

t.test('Recreate never runs two versions at once', async (t) => {
  const { collection, rest, api } = await setUp({ strategy: { type: 'Recreate' } });
  await rest();
  await collection.patch(web, image('busybox:2'), 'strategic');
  let mixed = 0;
  await rest(() => {
    if (new Set(imagesOf(api)).size > 1) mixed += 1;
  });
  t.equal(mixed, 0);
  t.strictSame(imagesOf(api), Array(4).fill('busybox:2'));
});

t.test('a rollout that cannot go on is told after its deadline', async (t) => {
  const { collection, settle } = await setUp({ progressDeadlineSeconds: 60 });
  await settle(120_000);
  const { status } = await collection.get(web);
  t.match(
    status?.conditions?.find(({ type }) => type === 'Progressing'),
    {
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
    },
  );
});

t.test('at rest nothing is written', async (t) => {
  const { rest, api, settle } = await setUp();
  await rest();
  const { revision } = api.store;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
});

/** Names and counts that do not depend on chance. */
function picture(api: MemoryApi): unknown {
  const untimed = (conditions: { type: string; status: string; reason?: string }[] = []) =>
    conditions.map(({ type, status, reason }) => [type, status, reason]).sort();
  const sets = api.store.all(replicaSets) as ReplicaSet[];
  const all = api.store.all(deployments) as Deployment[];
  return {
    deployments: all.map(({ metadata, spec, status }) => {
      const { conditions, observedGeneration: _, ...counts } = status ?? {};
      return [metadata.name, spec?.replicas, counts, untimed(conditions), metadata.annotations];
    }),
    sets: sets.map(({ metadata, spec, status }) => {
      const { observedGeneration: _, ...counts } = status ?? {};
      return [metadata.name, spec?.replicas, counts];
    }),
    pods: (api.store.all(pods) as Pod[])
      .map((pod) => [controllerOf(pod)?.name, pod.spec?.nodeName, pod.status?.phase])
      .sort(),
  };
}

const scenario: Scenario = {
  controllers,
  steps: [
    (api) => api.seed(nodes, aNode('a')),
    (api) => api.collection<Deployment>(deployments).create(aDeployment('web', 3)),
    (api) => api.collection(deployments).patch(web, image('busybox:2'), 'strategic'),
    (api) => api.collection(deployments).patch(web, { spec: { replicas: 1 } }, 'merge'),
  ],
  picture,
};

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const count = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(count > 20, `${count} writes`);
});
