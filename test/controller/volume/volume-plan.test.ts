import t from 'tap';
import type { PersistentVolume, PersistentVolumeClaim } from '#api/resources/types.ts';
import { ephemeralClaims } from '#controller/volume/ephemeral.ts';
import { volumePlan } from '#controller/volume/volume-plan.ts';
import { aClaim, aPod, aVolume } from '../../support/builders.ts';

const reference = (name: string, uid?: string) => ({
  claimRef: { namespace: 'default', name, ...(uid === undefined ? {} : { uid }) },
});
const ours = { annotations: { 'pv.kubernetes.io/provisioned-by': 'bayplan.dev/local' } };
const theirs = { annotations: { 'pv.kubernetes.io/provisioned-by': 'nfs.example' } };
const boundByUs = { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } };
const held = reference('c', 'uid-c');
const volumes: [string, PersistentVolume, PersistentVolumeClaim | undefined, object][] = [
  ['free', aVolume('v'), undefined, { type: 'phase', phase: 'Available' }],
  ['kept for a name', aVolume('v', reference('c')), undefined, { phase: 'Available' }],
  ['bound', aVolume('v', held), aClaim('c', { volumeName: 'v' }), { phase: 'Bound' }],
  ['about to be bound', aVolume('v', held), aClaim('c'), { type: 'nothing' }],
  [
    'not taken after all',
    aVolume('v', held, boundByUs),
    aClaim('c', { volumeName: 'w' }),
    { type: 'unbind' },
  ],
  ['released', aVolume('v', held), undefined, { type: 'release', remove: false }],
  [
    'released, by a claim of the same name',
    aVolume('v', held),
    { ...aClaim('c'), metadata: { ...aClaim('c').metadata, uid: 'new' } },
    { type: 'release', remove: false },
  ],
  [
    'ours to delete',
    aVolume('v', { ...held, persistentVolumeReclaimPolicy: 'Delete' }, ours),
    undefined,
    { type: 'release', remove: true },
  ],
  [
    'another’s to delete',
    aVolume('v', { ...held, persistentVolumeReclaimPolicy: 'Delete' }, theirs),
    undefined,
    { type: 'release', remove: false },
  ],
  [
    'nobody’s to delete',
    aVolume('v', { ...held, persistentVolumeReclaimPolicy: 'Delete' }),
    undefined,
    { phase: 'Failed', message: /no deletable volume plugin matched/ },
  ],
];
for (const [name, volume, claim, expected] of volumes) {
  t.test(`a volume: ${name}`, async (t) => t.match(volumePlan(volume, claim), expected));
}

t.test('an ephemeral volume is a claim that its pod owns', async (t) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: aClaim('x').spec };
  const pod = aPod('p', {
    volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: template } }],
  } as never);
  pod.metadata.uid = 'uid-p';
  t.match(ephemeralClaims(pod), [
    {
      metadata: {
        name: 'p-v',
        namespace: 'default',
        labels: { a: 'b' },
        ownerReferences: [{ kind: 'Pod', name: 'p', uid: 'uid-p', controller: true }],
      },
      spec: { storageClassName: 'local' },
    },
  ]);
});
