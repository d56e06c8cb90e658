import t from 'tap';
import { expectDefaults } from './cases.ts';

t.test('every core kind gets its defaults, once and for all', async (t) => {
  expectDefaults(t, [
    ['v1', 'Secret', { stringData: { a: 'b' } }, { type: 'Opaque', data: { a: 'Yg==' } }],
    [
      'v1',
      'Namespace',
      {},
      {
        metadata: { name: 'x', labels: { 'kubernetes.io/metadata.name': 'x' } },
        status: { phase: 'Active' },
      },
    ],
    [
      'v1',
      'PersistentVolume',
      { spec: { capacity: { storage: '1Gi' }, hostPath: { path: '/d' } } },
      {
        spec: {
          capacity: { storage: '1Gi' },
          hostPath: { path: '/d', type: '' },
          persistentVolumeReclaimPolicy: 'Retain',
          volumeMode: 'Filesystem',
        },
        status: { phase: 'Pending' },
      },
    ],
    ['v1', 'ConfigMap', {}, {}],
    ['coordination.k8s.io/v1', 'Lease', { spec: {} }, { spec: {} }],
  ]);
});
