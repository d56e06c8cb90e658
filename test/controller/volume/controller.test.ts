/** Claims, volumes and the pods that use them, with the scheduler, under virtual time. */
import t from 'tap';
import {
  events,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '#api/resources/resource-types.ts';
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { volumeControllers } from '#controller/volume/controller.ts';
import { ephemeralVolumeController } from '#controller/volume/ephemeral.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from '#controller/volume-protection/controller.ts';
import { aClaim, aNodeWithDisk, aPod, aStorageClass, aVolume } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { fakeNodes, fresh, place, using } from './claimed-pods.ts';

function setUp() {
  const onNodes = fakeNodes();
  const run = running(
    schedulerController,
    ...volumeControllers(onNodes),
    ephemeralVolumeController,
    claimProtectionController,
    volumeProtectionController,
  );
  run.api.seed(nodes, aNodeWithDisk('a'));
  run.api.seed(storageClasses, aStorageClass());
  const claims = run.api.collection<PersistentVolumeClaim>(persistentVolumeClaims);
  const podsOf = run.api.collection<Pod>(pods);
  const volumes = () => run.api.store.all(persistentVolumes) as PersistentVolume[];
  return { ...run, onNodes, claims, podsOf, volumes };
}

t.test('a claim waits for its pod, the pod for its volume; then all are bound', async (t) => {
  const { api, start, settle, claims, podsOf, volumes } = setUp();
  start();
  await claims.create(fresh(aClaim('data')));
  await settle();
  t.equal((await claims.get(place('data'))).status?.phase, 'Pending');
  t.strictSame(volumes(), []);
  await podsOf.create(using('p', 'data'));
  await settle();
  const claim = await claims.get(place('data'));
  t.match(claim, {
    status: { phase: 'Bound', capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'] },
    spec: { volumeName: `pvc-${claim.metadata.uid}` },
  });
  t.match(volumes(), [
    { status: { phase: 'Bound' }, spec: { local: { path: `/data/pvc-${claim.metadata.uid}` } } },
  ]);
  t.equal((await podsOf.get(place('p'))).spec?.nodeName, 'a');
  const told = (api.store.all(events) as Event[]).map(({ reason }) => reason);
  t.ok(told.includes('WaitForFirstConsumer') && told.includes('ProvisioningSucceeded'), `${told}`);
});

t.test('data outlives the pod; a claim that goes takes volume and data with it', async (t) => {
  const { start, settle, claims, podsOf, volumes, onNodes } = setUp();
  start();
  await claims.create(fresh(aClaim('data')));
  await podsOf.create(using('p', 'data'));
  await settle();
  const [made] = volumes();
  await podsOf.delete(place('p'), { gracePeriodSeconds: 0 });
  await podsOf.create(using('q', 'data'));
  await settle();
  t.equal(volumes()[0]?.metadata.name, made?.metadata.name);
  await claims.delete(place('data'));
  await settle();
  t.equal(volumes().length, 1, 'a pod still uses it');
  await podsOf.delete(place('q'), { gracePeriodSeconds: 0 });
  await settle();
  t.strictSame(volumes(), []);
  t.strictSame(onNodes.removed, [`a/${made?.metadata.name}`]);
});

t.test('while its node is away a volume is released and kept; then it goes', async (t) => {
  const { start, settle, claims, podsOf, volumes, onNodes } = setUp();
  start();
  await claims.create(fresh(aClaim('data')));
  await podsOf.create(using('p', 'data'));
  await settle();
  onNodes.away = true;
  await podsOf.delete(place('p'), { gracePeriodSeconds: 0 });
  await claims.delete(place('data'));
  await settle(5_000);
  t.match(volumes(), [{ status: { phase: 'Released' } }]);
  onNodes.away = false;
  await settle(120_000);
  t.strictSame(volumes(), []);
});

t.test(
  'a volume that was made by hand is bound, retained, and not given to the next',
  async (t) => {
    const { api, start, settle, claims, volumes } = setUp();
    api.seed(storageClasses, aStorageClass('hand', { volumeBindingMode: 'Immediate' }));
    api.seed(persistentVolumes, aVolume('v', { storageClassName: 'hand' }));
    start();
    const claim = (name: string) => fresh(aClaim(name, { storageClassName: 'hand' }));
    await claims.create(claim('one'));
    await settle();
    t.equal((await claims.get(place('one'))).spec?.volumeName, 'v');
    await claims.delete(place('one'));
    await settle();
    t.match(
      volumes().find(({ metadata }) => metadata.name === 'v'),
      { status: { phase: 'Released' }, spec: { claimRef: { name: 'one' } } },
    );
    await claims.create(claim('two'));
    await settle();
    t.match((await claims.get(place('two'))).spec?.volumeName, /^pvc-/);
  },
);

t.test('a free volume that comes later is taken', async (t) => {
  const { api, start, settle, claims } = setUp();
  start();
  await claims.create(fresh(aClaim('c', { storageClassName: '' })));
  await settle();
  t.equal((await claims.get(place('c'))).status?.phase, 'Pending');
  const late = aVolume('late', { storageClassName: '' });
  api.seed(persistentVolumes, { ...late, status: { phase: 'Pending' } } as PersistentVolume);
  await settle();
  t.match(await claims.get(place('c')), { status: { phase: 'Bound' } });
});

t.test('a claim whose volume goes is lost, and says so', async (t) => {
  const { api, start, settle, claims } = setUp();
  start();
  api.seed(storageClasses, aStorageClass('now', { volumeBindingMode: 'Immediate' }));
  await claims.create(fresh(aClaim('c', { storageClassName: 'now' })));
  await settle();
  const { spec } = await claims.get(place('c'));
  api.store.remove(persistentVolumes, aVolume(spec?.volumeName ?? ''));
  await settle();
  t.equal((await claims.get(place('c'))).status?.phase, 'Lost');
});

t.test('a pod waits for a claim that is not there, and says for which', async (t) => {
  const { start, settle, claims, podsOf } = setUp();
  start();
  await podsOf.create(using('p', 'data'));
  await settle();
  t.match((await podsOf.get(place('p'))).status?.conditions, [
    { message: /^0\/1 nodes are available: persistentvolumeclaim "data" not found\./ },
  ]);
  await claims.create(fresh(aClaim('data')));
  await settle();
  t.equal((await podsOf.get(place('p'))).spec?.nodeName, 'a');
});

t.test(
  'a claim that cannot be made tells its pod nothing but to wait, and itself why',
  async (t) => {
    const { api, start, settle, claims, podsOf } = setUp();
    start();
    await claims.create(fresh(aClaim('data', { accessModes: ['ReadWriteMany'] })));
    await podsOf.create(using('p', 'data'));
    await settle(120_000);
    t.equal((await podsOf.get(place('p'))).spec?.nodeName, undefined);
    const told = (api.store.all(events) as Event[]).filter(
      ({ reason }) => reason === 'ProvisioningFailed',
    );
    t.match(told, [{ message: /ReadWriteMany needs another StorageClass/, count: 1 }]);
  },
);

t.test('an ephemeral volume comes with its pod', async (t) => {
  const { start, settle, podsOf, volumes } = setUp();
  start();
  const template = { spec: aClaim('x').spec };
  const volume = { name: 'v', ephemeral: { volumeClaimTemplate: template } };
  await podsOf.create(aPod('p', { volumes: [volume] } as never));
  await settle();
  t.equal((await podsOf.get(place('p'))).spec?.nodeName, 'a');
  t.match(volumes(), [{ spec: { claimRef: { name: 'p-v' } }, status: { phase: 'Bound' } }]);
});

t.test('at rest nothing is written', async (t) => {
  const { api, start, settle, claims, podsOf } = setUp();
  start();
  await claims.create(fresh(aClaim('data')));
  await claims.create(fresh(aClaim('open')));
  await podsOf.create(using('p', 'data'));
  await settle();
  const { revision } = api.store;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
});
