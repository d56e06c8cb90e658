import t from 'tap';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '#api/resources/resource-types.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { volumeControllers } from '#controller/volume/controller.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from '#controller/volume-protection/controller.ts';
import { aClaim, aNodeWithDisk, aStorageClass } from '../../support/builders.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { fakeNodes, fresh, place, using } from './claimed-pods.ts';

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const claims = (api: MemoryApi) => api.collection<PersistentVolumeClaim>(persistentVolumeClaims);
  const scenario = {
    controllers: [
      schedulerController,
      ...volumeControllers(fakeNodes()),
      claimProtectionController,
      volumeProtectionController,
    ],
    steps: [
      (api: MemoryApi) => {
        api.seed(nodes, aNodeWithDisk('a'), aNodeWithDisk('b'));
        api.seed(storageClasses, aStorageClass());
      },
      (api: MemoryApi) => claims(api).create(fresh(aClaim('data'))),
      (api: MemoryApi) => api.collection<Pod>(pods).create(using('p', 'data')),
      (api: MemoryApi) => api.collection<Pod>(pods).delete(place('p')),
      (api: MemoryApi) => api.collection<Pod>(pods).create(using('q', 'data')),
      (api: MemoryApi) => claims(api).create(fresh(aClaim('short'))),
      (api: MemoryApi) => api.collection<Pod>(pods).create(using('r', 'short')),
      (api: MemoryApi) => claims(api).delete(place('short')),
      (api: MemoryApi) => api.collection<Pod>(pods).delete(place('r')),
    ],
    picture: (api: MemoryApi) => ({
      claims: (api.store.all(persistentVolumeClaims) as PersistentVolumeClaim[]).map(
        ({ metadata, status }) => [metadata.name, status?.phase, status?.capacity],
      ),
      volumes: (api.store.all(persistentVolumes) as PersistentVolume[]).map(({ spec, status }) => [
        spec?.claimRef?.name,
        status?.phase,
      ]),
      pods: (api.store.all(pods) as Pod[]).map(({ metadata, spec }) => [
        metadata.name,
        spec?.nodeName !== undefined,
      ]),
    }),
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 15, `${writes} writes`);
});
