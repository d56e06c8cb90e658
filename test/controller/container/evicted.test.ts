/** What becomes of a Container whose node sent its Pod away. */
import t from 'tap';
import { containers, nodes, pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { containerController } from '#controller/container/controller.ts';
import type { Container, ContainerSpec } from '#controller/container/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';

const ref = { name: 'web', namespace: 'default' };

/** A Container that ran and was evicted; `before` is the Pod it was. */
async function evicted(restartPolicy: NonNullable<ContainerSpec['restartPolicy']>) {
  const { api, clock, settle, start } = running(containerController, schedulerController);
  api.seed(nodes, aNode('a'));
  start();
  const collection = api.collection<Container>(containers);
  await collection.create({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { ...ref },
    spec: { image: 'busybox', restartPolicy },
  });
  const rest = async () => {
    for (let round = 0; round < 5; round += 1) {
      await settle();
      playAgent(api, clock);
    }
    await settle();
  };
  await rest();
  const pod = () => api.store.find(pods, ref) as Pod;
  const before = structuredClone(pod());
  const state = {
    terminated: { exitCode: 137, reason: 'Error', finishedAt: '2030-01-01T00:00:09Z' },
  };
  const [held] = before.status?.containerStatuses ?? [];
  const containerStatuses = [{ ...held, state }];
  const status = { ...before.status, phase: 'Failed', reason: 'Evicted', containerStatuses };
  api.store.put(pods, { ...before, status } as Pod);
  await rest();
  return { before, after: pod(), status: (await collection.get(ref)).status };
}

for (const policy of ['always', 'unless-stopped', 'on-failure'] as const) {
  t.test(`one that is kept up comes back: ${policy}`, async (t) => {
    const { before, after, status } = await evicted(policy);
    t.equal(before.status?.phase, 'Running');
    t.not(after.metadata.uid, before.metadata.uid);
    t.match(status, { phase: 'running', endedSpecHash: undefined });
  });
}

t.test('any other stays as it ended', async (t) => {
  const { before, after, status } = await evicted('no');
  t.equal(after.metadata.uid, before.metadata.uid);
  t.match(status, { phase: 'exited', exitCode: 137 });
});
