/** An autoscaler and its deployment under virtual time. */
import t from 'tap';
import { deployments, events, horizontalPodAutoscalers } from '#api/resources/resource-types.ts';
import type { Deployment, Event, HorizontalPodAutoscaler } from '#api/resources/types.ts';
import { autoscalerController } from '#controller/autoscaler/controller.ts';
import { deploymentController } from '#controller/deployment/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { aDeployment } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { accessTo, autoscaler, type Load, place, template } from './loaded-pods.ts';

async function setUp(load: Load, more = {}) {
  let own: MemoryApi | undefined;
  const access = accessTo(() => own as MemoryApi, load);
  const run = running(autoscalerController(access), deploymentController, replicaSetController);
  own = run.api;
  run.start();
  await run.api.collection<Deployment>(deployments).create(aDeployment('web', 2, template));
  for (let round = 0; round < 4; round += 1) {
    await run.settle();
    playAgent(run.api, run.clock);
  }
  const collection = run.api.collection<HorizontalPodAutoscaler>(horizontalPodAutoscalers);
  await collection.create(autoscaler(more));
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      await run.settle(5_000);
      playAgent(run.api, run.clock);
    }
  };
  const size = async () =>
    (await run.api.collection<Deployment>(deployments).get(place)).spec?.replicas;
  return { ...run, pass, size, collection };
}

t.test(
  'it grows with the load, waits, and shrinks when the load has been low for long',
  async (t) => {
    const load: Load = { millis: 1_000 };
    const { api, pass, size, collection } = await setUp(load);
    await pass(30_000);
    t.equal(await size(), 2);
    load.millis = 2_000;
    await pass(60_000);
    t.equal(await size(), 4);
    const { status } = await collection.get(place);
    t.match(status, {
      currentReplicas: 4,
      desiredReplicas: 4,
      currentMetrics: [{ type: 'Resource' }],
    });
    t.match(
      status?.conditions?.map(({ type, status: is, reason }) => [type, is, reason]),
      [
        ['AbleToScale', 'True', 'ReadyForNewScale'],
        ['ScalingActive', 'True', 'ValidMetricFound'],
        ['ScalingLimited', 'False', 'DesiredWithinRange'],
      ],
    );
    const told = (api.store.all(events) as Event[]).filter(
      ({ reason }) => reason === 'SuccessfulRescale',
    );
    t.match(told, [
      {
        message:
          'New size: 4; reason: cpu resource utilization (percentage of request) above target',
      },
    ]);
    load.millis = 400;
    await pass(240_000);
    t.equal(await size(), 4);
    await pass(120_000);
    t.equal(await size(), 1);
  },
);

t.test('it keeps to its bounds, whatever the load', async (t) => {
  const load: Load = { millis: 90_000 };
  const { pass, size, collection } = await setUp(load);
  await pass(120_000);
  t.equal(await size(), 8);
  const limits = (await collection.get(place)).status?.conditions?.find(
    ({ type }) => type === 'ScalingLimited',
  );
  t.match(limits, { status: 'True', reason: 'TooManyReplicas' });
  await collection.patch(place, { spec: { maxReplicas: 3 } }, 'merge');
  await pass(5_000);
  t.equal(await size(), 3);
});

t.test('it grows on less when its own tolerance is small', async (t) => {
  const load: Load = { millis: 1_060 };
  const usual = await setUp(load);
  await usual.pass(60_000);
  t.equal(await usual.size(), 2);
  const strict = await setUp(load, { behavior: { scaleUp: { tolerance: '50m' } } });
  await strict.pass(60_000);
  t.equal(await strict.size(), 3);
});

t.test('without measures nothing changes, and it says why', async (t) => {
  const load: Load = { millis: undefined };
  const { pass, size, collection } = await setUp(load);
  await pass(60_000);
  t.equal(await size(), 2);
  const active = async () =>
    (await collection.get(place)).status?.conditions?.find(({ type }) => type === 'ScalingActive');
  t.match(await active(), {
    status: 'False',
    reason: 'FailedGetResourceMetric',
    message:
      /unable to compute the replica count: failed to get cpu resource utilization: .*no measures/,
  });
  load.millis = 2_000;
  await pass(30_000);
  t.match(await active(), { status: 'True' });
  t.equal(await size(), 4);
});

t.test('a target that is not there, and one of no replicas', async (t) => {
  const load: Load = { millis: 1_000 };
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' };
  const { api, pass, collection } = await setUp(load, { scaleTargetRef: target });
  await pass(5_000);
  t.match((await collection.get(place)).status?.conditions, [
    { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: /not found/ },
  ]);
  await api.collection(deployments).patch(place, { spec: { replicas: 0 } }, 'merge');
  const scaleTargetRef = { ...target, name: 'web' };
  await collection.patch(place, { spec: { scaleTargetRef } }, 'merge');
  await pass(5_000);
  const active = (await collection.get(place)).status?.conditions?.find(
    ({ type }) => type === 'ScalingActive',
  );
  t.match(active, { status: 'False', reason: 'ScalingDisabled' });
});

t.test('a metric that nobody serves is told, and does not shrink what another wants', async (t) => {
  const load: Load = { millis: 100 };
  const cpu = autoscaler().spec?.metrics ?? [];
  const queue = {
    type: 'External',
    external: { metric: { name: 'q' }, target: { type: 'Value', value: '1' } },
  };
  const { pass, size, api } = await setUp(load, { metrics: [...cpu, queue] });
  await pass(400_000);
  t.equal(await size(), 2);
  load.millis = 2_000;
  await pass(30_000);
  t.equal(await size(), 4);
  const told = (api.store.all(events) as Event[]).filter(
    ({ reason }) => reason === 'FailedGetExternalMetric',
  );
  t.match(told[0]?.message, /no external metrics API is served: use cpu or memory/);
});

t.test('while the load is the same nothing is written', async (t) => {
  const { api, pass } = await setUp({ millis: 1_000 });
  await pass(60_000);
  const { revision } = api.store;
  await pass(600_000);
  t.equal(api.store.revision, revision);
});
