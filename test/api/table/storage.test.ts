import t from 'tap';
import { expectRows } from './cases.ts';

t.test('storage has the row kubectl shows', async (t) => {
  expectRows(t, [
    [
      'v1',
      'PersistentVolumeClaim',
      {
        spec: { volumeName: 'v', storageClassName: 's', volumeMode: 'Filesystem' },
        status: {
          phase: 'Bound',
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
          capacity: { storage: '1Gi' },
        },
      },
      {
        Name: 'x',
        Status: 'Bound',
        Volume: 'v',
        Capacity: '1Gi',
        'Access Modes': 'RWO,RWX',
        StorageClass: 's',
        VolumeAttributesClass: '<unset>',
        Age: '5m',
        VolumeMode: 'Filesystem',
      },
    ],
    [
      'storage.k8s.io/v1',
      'StorageClass',
      { provisioner: 'p', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
      {
        Name: 'x',
        Provisioner: 'p',
        ReclaimPolicy: 'Delete',
        VolumeBindingMode: 'Immediate',
        AllowVolumeExpansion: false,
        Age: '5m',
      },
    ],
  ]);
});
