import t from 'tap';
import { deployments, horizontalPodAutoscalers } from '#api/resources/resource-types.ts';
import type { Deployment, HorizontalPodAutoscaler } from '#api/resources/types.ts';
import { autoscalerController } from '#controller/autoscaler/controller.ts';
import { deploymentController } from '#controller/deployment/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { aDeployment } from '../../support/builders.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { accessTo, autoscaler, type Load, place, template } from './loaded-pods.ts';

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  let own: MemoryApi | undefined;
  const load: Load = { millis: 2_000 };
  const controllers: Controller[] = [
    autoscalerController(accessTo(() => own as MemoryApi, load)),
    deploymentController,
    replicaSetController,
  ];
  const scenario = {
    controllers,
    steps: [
      (api: MemoryApi) => {
        own = api;
        return api.collection<Deployment>(deployments).create(aDeployment('web', 2, template));
      },
      (api: MemoryApi) =>
        api.collection<HorizontalPodAutoscaler>(horizontalPodAutoscalers).create(autoscaler()),
      (api: MemoryApi) =>
        api
          .collection(horizontalPodAutoscalers)
          .patch(place, { spec: { maxReplicas: 3 } }, 'merge'),
    ],
    picture: (api: MemoryApi) => {
      const deployment = api.store.find(deployments, place) as Deployment;
      const { status } = api.store.find(horizontalPodAutoscalers, place) as HorizontalPodAutoscaler;
      return [deployment.spec?.replicas, status?.desiredReplicas];
    },
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 5, `${writes} writes`);
});
