import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '#api/resources/resource-types.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from '#controller/volume-protection/controller.ts';
import { running } from '../../support/controllers.ts';

const claim = (name: string, finalizers?: string[]) =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', ...(finalizers === undefined ? {} : { finalizers }) },
  }) as PersistentVolumeClaim;
const pod = (name: string, claimName: string, nodeName?: string) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      containers: [],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    },
  }) as unknown as Pod;
const guard = 'kubernetes.io/pvc-protection';

t.test('a claim stays until the last pod on a node that mounts it is gone', async (t) => {
  const run = running(claimProtectionController);
  t.teardown(() => run.stop());
  const claims = run.api.collection<PersistentVolumeClaim>(persistentVolumeClaims);
  const all = run.api.collection<Pod>(pods);
  await claims.create(claim('used', [guard]));
  await claims.create(claim('free', [guard, 'example.com/own']));
  await claims.create(claim('old'));
  await all.create(pod('a', 'used', 'n1'));
  await all.create(pod('b', 'free'));
  run.start();
  await run.settle();
  const finalizers = async (name: string) =>
    (await claims.get({ name, namespace: 'default' })).metadata.finalizers;
  t.same(await finalizers('old'), [guard], 'one from before is protected too');
  for (const name of ['used', 'free']) await claims.delete({ name, namespace: 'default' });
  await run.settle();
  t.same(await finalizers('used'), [guard]);
  t.same(await finalizers('free'), ['example.com/own'], 'a pod without a node does not count');
  await all.delete({ name: 'a', namespace: 'default' }, { gracePeriodSeconds: 0 });
  await run.settle();
  await t.rejects(claims.get({ name: 'used', namespace: 'default' }), { code: 404 });
  t.strictSame(run.failures, []);
});

t.test('a volume stays while it is bound', async (t) => {
  const run = running(volumeProtectionController);
  t.teardown(() => run.stop());
  const volumes = run.api.collection<PersistentVolume>(persistentVolumes);
  const volume = (name: string, phase: string): ApiObject & PersistentVolume =>
    ({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
      status: { phase },
    }) as PersistentVolume;
  const made = await volumes.create(volume('bound', 'Bound'));
  await volumes.updateStatus({ ...made, status: { phase: 'Bound' } });
  run.start();
  await run.settle();
  await volumes.delete({ name: 'bound' });
  await run.settle();
  const held = await volumes.get({ name: 'bound' });
  t.same(held.metadata.finalizers, ['kubernetes.io/pv-protection']);
  await volumes.updateStatus({ ...held, status: { phase: 'Released' } });
  await run.settle();
  await t.rejects(volumes.get({ name: 'bound' }), { code: 404 });
});
