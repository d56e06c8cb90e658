import t from 'tap';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '#api/resources/types.ts';
import { claimPlan } from '#controller/volume/claim-plan.ts';
import { hostOf } from '#controller/volume/local-volume.ts';
import { aClaim, aNode, aNodeWithDisk, aStorageClass, aVolume } from '../../support/builders.ts';

interface World {
  readonly volumes?: PersistentVolume[];
  readonly classes?: StorageClass[];
  readonly nodes?: Node[];
}

const planned = (
  claim: PersistentVolumeClaim,
  { volumes = [], classes = [aStorageClass()], nodes = [aNodeWithDisk('a')] }: World = {},
) =>
  claimPlan({
    claim,
    volumes,
    volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
    storageClass: (name) => classes.find(({ metadata }) => metadata.name === name),
    node: (name) => nodes.find(({ metadata }) => metadata.name === name),
    nodes,
  });

const on = (node: string) => ({ 'volume.kubernetes.io/selected-node': node });
const done = { 'pv.kubernetes.io/bind-completed': 'yes' };
const reference = (name: string, uid?: string) => ({
  claimRef: { namespace: 'default', name, ...(uid === undefined ? {} : { uid }) },
});
const affine = (node: string) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
      ],
    },
  },
});
const immediate = [aStorageClass('local', { volumeBindingMode: 'Immediate' })];
const bound = (name: string) => ({ type: 'bind', volume: { metadata: { name } } });
const waits = (reason: string, message?: RegExp) => ({
  type: 'wait',
  told: { reason, ...(message === undefined ? {} : { message }) },
});

const cases: [string, PersistentVolumeClaim, World, object][] = [
  ['nobody uses it yet', aClaim('c'), { volumes: [aVolume('v')] }, waits('WaitForFirstConsumer')],
  ['a volume is free', aClaim('c', {}, on('a')), { volumes: [aVolume('v')] }, bound('v')],
  [
    'the smallest that suits',
    aClaim('c', {}, on('a')),
    {
      volumes: [
        aVolume('big', { capacity: { storage: '9Mi' } }),
        aVolume('small', { capacity: { storage: '1Ki' } }),
        aVolume('fit'),
        aVolume('other', { storageClassName: 'x' }),
        aVolume('taken', reference('d', 'uid-d')),
        aVolume('modes', { accessModes: ['ReadOnlyMany'] }),
        aVolume('block', { volumeMode: 'Block' }),
      ],
    },
    bound('fit'),
  ],
  [
    'a selector is met',
    aClaim('c', { selector: { matchLabels: { disk: 'ssd' } } }, on('a')),
    { volumes: [aVolume('x'), aVolume('y', {}, { labels: { disk: 'ssd' } })] },
    bound('y'),
  ],
  [
    'only volumes of the chosen node',
    aClaim('c', {}, on('a')),
    { volumes: [aVolume('x', affine('b')), aVolume('y', affine('a'))] },
    bound('y'),
  ],
  ['one is kept for it', aClaim('c'), { volumes: [aVolume('v', reference('c'))] }, bound('v')],
  [
    'one is kept for an earlier claim of its name',
    aClaim('c', {}, on('a')),
    { volumes: [aVolume('v', reference('c', 'other'))] },
    { type: 'provision' },
  ],
  [
    'it names a volume',
    aClaim('c', { volumeName: 'v' }),
    { volumes: [aVolume('u'), aVolume('v')] },
    bound('v'),
  ],
  [
    'it names a volume of somebody else',
    aClaim('c', { volumeName: 'v' }),
    { volumes: [aVolume('v', reference('d', 'uid-d'))] },
    waits('FailedBinding', /already bound to a different claim/),
  ],
  [
    'it names a volume that is too small',
    aClaim('c', { volumeName: 'v', resources: { requests: { storage: '1Gi' } } }),
    { volumes: [aVolume('v')] },
    waits('VolumeMismatch'),
  ],
  ['it names a volume that is not there', aClaim('c', { volumeName: 'v' }), {}, { type: 'wait' }],
  [
    'no class and no volume',
    aClaim('c', { storageClassName: '' }),
    {},
    waits('FailedBinding', /no persistent volumes available for this claim and no storage class/),
  ],
  [
    'a class that is not there',
    aClaim('c', { storageClassName: 'gone' }),
    {},
    waits('ProvisioningFailed', /^storageclass\.storage\.k8s\.io "gone" not found$/),
  ],
  [
    'somebody else makes them',
    aClaim('c', { storageClassName: 'nfs' }),
    {
      classes: [
        aStorageClass('nfs', { provisioner: 'nfs.example', volumeBindingMode: 'Immediate' }),
      ],
    },
    { ...waits('ExternalProvisioning', /external provisioner 'nfs\.example'/), ask: 'nfs.example' },
  ],
  ['at once, anywhere', aClaim('c'), { classes: immediate }, { type: 'provision' }],
  [
    'no node keeps volumes',
    aClaim('c'),
    { classes: immediate, nodes: [] },
    waits('ProvisioningFailed', /no node makes volumes of class "local"/),
  ],
  [
    'the node is gone',
    aClaim('c', {}, on('z')),
    {},
    { ...waits('ProvisioningFailed', /the node "z" is gone/), refuse: true },
  ],
  [
    'the node keeps no volumes',
    aClaim('c', {}, on('b')),
    { nodes: [aNode('b')] },
    { ...waits('ProvisioningFailed'), refuse: true },
  ],
  [
    'many nodes are to write',
    aClaim('c', { accessModes: ['ReadWriteMany'] }, on('a')),
    {},
    waits('ProvisioningFailed', /ReadWriteMany needs another StorageClass, or ReadWriteOnce/),
  ],
  [
    'a block device is wanted',
    aClaim('c', { volumeMode: 'Block' }, on('a')),
    {},
    waits('ProvisioningFailed', /volumeMode Block/),
  ],
  [
    'its volume is gone',
    aClaim('c', { volumeName: 'v' }, done),
    {},
    { type: 'lost', told: { reason: 'ClaimLost' } },
  ],
  [
    'its volume is another’s',
    aClaim('c', { volumeName: 'v' }, done),
    { volumes: [aVolume('v', reference('d', 'uid-d'))] },
    { type: 'lost', told: { reason: 'ClaimMisbound' } },
  ],
  [
    'all is well',
    aClaim('c', { volumeName: 'v' }, done),
    { volumes: [aVolume('v', reference('c', 'uid-c'))] },
    bound('v'),
  ],
];
for (const [name, claim, world, expected] of cases) {
  t.test(`a claim: ${name}`, async (t) => t.match(planned(claim, world), expected));
}

t.test('a volume that is made is its node’s, its claim’s and its class’s', async (t) => {
  const made = planned(aClaim('c', {}, on('a')));
  if (made.type !== 'provision') return t.fail(made.type);
  t.match(made.volume, {
    metadata: {
      name: 'pvc-uid-c',
      annotations: { 'pv.kubernetes.io/provisioned-by': 'bayplan.dev/local' },
    },
    spec: {
      capacity: { storage: '1Mi' },
      local: { path: '/data/pvc-uid-c' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'local',
      claimRef: { namespace: 'default', name: 'c', uid: 'uid-c' },
    },
  });
  t.equal(hostOf(made.volume), 'a');
});
