/** `bay describe` tells what the real kubectl tells of volumes and their classes, letter by letter. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { persistentVolumes, storageClasses } from '#api/resources/resource-types.ts';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const newest = kubectlReleases().at(-1);
const minor = Number(/\.(\d+)$/.exec(newest?.name ?? '')?.[1] ?? 0);
const skip = minor >= 33 ? false : 'needs kubectl 1.33 or newer: its layout is what is compared';

const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] };
const matchExpressions = [
  { key: 'kubernetes.io/hostname', operator: 'In', values: ['n1', 'n2'] },
  { key: 'disk', operator: 'Exists' },
];
const named = { labels: { app: 'x', tier: 'y' }, annotations: { note: 'one' } };
const volumes = [
  { metadata: { name: 'bare' }, spec: { ...spec, hostPath: { path: '/a' } } },
  {
    metadata: { name: 'full', ...named },
    spec: {
      ...spec,
      local: { path: '/disks/a' },
      storageClassName: 'fast',
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { namespace: 'default', name: 'data' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    },
  },
];
const marked = { 'storageclass.kubernetes.io/is-default-class': 'true', note: 'one' };
const classes = [
  { metadata: { name: 'bare' }, provisioner: 'a.b/c' },
  {
    metadata: { name: 'full', annotations: marked },
    provisioner: 'a.b/c',
    parameters: { a: '1', b: '2' },
    allowVolumeExpansion: true,
    mountOptions: ['ro', 'noatime'],
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }],
  },
];
const client = server.client();
for (const one of volumes) {
  const document = { apiVersion: 'v1', kind: 'PersistentVolume', ...one };
  await client.collection<ApiObject>(persistentVolumes).create(document);
}
for (const one of classes) {
  const document = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', ...one };
  await client.collection<ApiObject>(storageClasses).create(document);
}

t.test('as kubectl', { skip }, async (t) => {
  const bay = bayFor(server.kubeconfig);
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const name of ['pv/bare', 'pv/full', 'sc/bare', 'sc/full']) {
    const [theirs, ours] = [await kubectl(['describe', name]), await bay('describe', name)];
    t.strictSame(ours.stdout.split('\n'), theirs.stdout.split('\n'), name);
    t.equal(ours.code, 0, ours.stderr);
  }
});
