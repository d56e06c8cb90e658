import t from 'tap';
import { persistentVolumeClaims, pods } from '#api/resources/resource-types.ts';
import { ephemeralVolumeController } from '#controller/volume/ephemeral.ts';
import { aClaim, aPod } from '../../support/builders.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const ephemeral = (name: string) => ({
  name,
  ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1Mi' } } } } },
});

t.test('a crash at any write makes each claim of a pod once, and takes nobody else’s', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [ephemeralVolumeController],
      api: () => {
        const api = memoryApi();
        api.seed(persistentVolumeClaims, aClaim('q-foreign'));
        return api;
      },
      steps: [
        (api: MemoryApi) =>
          api.seed(pods, aPod('p', { volumes: ['a', 'b', 'c'].map(ephemeral) } as never)),
        (api: MemoryApi) =>
          api.seed(pods, aPod('q', { volumes: ['a', 'foreign'].map(ephemeral) } as never)),
      ],
      picture: (api) => whole(api, persistentVolumeClaims),
      // It is tried to be made at most: nobody may change it.
      foreign: /^(update|patch|delete).*foreign/,
    },
    {
      writes: 4,
      end: [
        [
          ...['a', 'b', 'c'].map((name) => ({
            metadata: { name: `p-${name}`, ownerReferences: [{ name: 'p', controller: true }] },
          })),
          { metadata: { name: 'q-a', ownerReferences: [{ name: 'q' }] } },
          { metadata: { name: 'q-foreign', ownerReferences: undefined } },
        ],
      ],
    },
  ),
);
