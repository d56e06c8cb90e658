/** Budgets follow their pods and the pods' controllers. */
import t from 'tap';
import {
  deployments,
  podDisruptionBudgets,
  pods,
  replicaSets,
} from '#api/resources/resource-types.ts';
import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet } from '#api/resources/types.ts';
import { deploymentController } from '#controller/deployment/controller.ts';
import { disruptionController } from '#controller/disruption/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { aDeployment, aReplicaSet } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const place = { name: 'web', namespace: 'default' };
const budget = (spec: object): PodDisruptionBudget =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: place,
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  }) as PodDisruptionBudget;

const controllers = [disruptionController, replicaSetController, deploymentController];
const budgetsOf = (api: MemoryApi) => api.collection<PodDisruptionBudget>(podDisruptionBudgets);

async function setUp(spec: object) {
  const run = running(...controllers);
  run.start();
  await run.api.collection<Deployment>(deployments).create(aDeployment('web', 4));
  await budgetsOf(run.api).create(budget(spec));
  const rest = async () => {
    for (let round = 0; round < 4; round += 1) {
      await run.settle();
      playAgent(run.api, run.clock);
    }
    await run.settle();
    return (await budgetsOf(run.api).get(place)).status;
  };
  return { ...run, rest };
}

t.test('a budget counts what the deployment behind its pods should have', async (t) => {
  const { api, rest } = await setUp({ maxUnavailable: 1 });
  t.match(await rest(), { expectedPods: 4, currentHealthy: 4, disruptionsAllowed: 1 });
  await api.collection(deployments).patch(place, { spec: { replicas: 6 } }, 'merge');
  t.match(await rest(), { expectedPods: 6, currentHealthy: 6, disruptionsAllowed: 1 });
});

t.test('a pod that fails takes its share', async (t) => {
  const { api, rest, settle } = await setUp({ minAvailable: 3 });
  t.match(await rest(), { disruptionsAllowed: 1 });
  const [pod] = api.store.all(pods) as Pod[];
  const conditions = [{ type: 'Ready', status: 'False' }];
  api.store.put(pods, { ...pod, status: { ...pod?.status, conditions } } as Pod);
  await settle();
  t.match((await budgetsOf(api).get(place)).status, { disruptionsAllowed: 0, currentHealthy: 3 });
});

t.test('a pod that was let go and stayed is told of, and counts again', async (t) => {
  const { api, clock, rest, settle } = await setUp({ minAvailable: 3 });
  const status = await rest();
  const [pod] = api.store.all(pods) as Pod[];
  const disruptedPods = { [pod?.metadata.name ?? '']: new Date(clock.now()).toISOString() };
  const held = await budgetsOf(api).get(place);
  await budgetsOf(api).updateStatus({ ...held, status: { ...status, disruptedPods } as never });
  await settle();
  t.match((await budgetsOf(api).get(place)).status, { disruptionsAllowed: 0 });
  await settle(121_000);
  t.match((await budgetsOf(api).get(place)).status, { disruptionsAllowed: 1 });
});

t.test('at rest nothing is written', async (t) => {
  const { api, rest, settle } = await setUp({ maxUnavailable: '25%' });
  await rest();
  const { revision } = api.store;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const scenario = {
    controllers,
    steps: [
      (api: MemoryApi) => budgetsOf(api).create(budget({ maxUnavailable: 1 })),
      (api: MemoryApi) => api.seed(replicaSets, aReplicaSet('web', 3) as ReplicaSet),
      (api: MemoryApi) =>
        api.collection(replicaSets).patch(place, { spec: { replicas: 2 } }, 'merge'),
    ],
    picture: (api: MemoryApi) => {
      const { conditions: _, ...status } =
        (api.store.find(podDisruptionBudgets, place) as PodDisruptionBudget).status ?? {};
      return status;
    },
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 8, `${writes} writes`);
});
