import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import type { ManagedFieldsEntry } from '#api/resources/meta.ts';
import { builtIn, World } from './world.ts';

const configMaps = builtIn('', 'configmaps');
const deployments = builtIn('apps', 'deployments');
const pods = builtIn('', 'pods');

const entries = (world: World): readonly ManagedFieldsEntry[] =>
  world.live?.metadata.managedFields ?? [];

t.test('who creates an object owns what Kubernetes would say', async (t) => {
  const world = new World(deployments);
  world.update('kubectl-create', {
    metadata: { labels: { app: 'web' }, generation: 1, creationTimestamp: 'x', uid: 'u' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'nginx',
              image: 'nginx',
              resources: {},
              ports: [{ containerPort: 80, protocol: 'TCP' }],
            },
          ],
          securityContext: {},
        },
      },
    },
    status: {},
  });
  t.equal(
    JSON.stringify(entries(world)),
    JSON.stringify([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: '2030-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"nginx"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': {
                      '.': {},
                      'k:{"containerPort":80,"protocol":"TCP"}': {
                        '.': {},
                        'f:containerPort': {},
                        'f:protocol': {},
                      },
                    },
                    'f:resources': {},
                  },
                },
                'f:securityContext': {},
              },
            },
          },
        },
      },
    ]),
  );
});

const changes: {
  name: string;
  before: JsonObject;
  after: JsonObject;
  owners: Record<string, string[]>;
}[] = [
  {
    name: 'a changed value moves to who changed it',
    before: { data: { x: '1', y: '1' } },
    after: { data: { x: '2', y: '1' } },
    owners: { 'a Update': ['.data', '.data.y'], 'b Update': ['.data.x'] },
  },
  {
    name: 'an added key belongs to who added it',
    before: { data: { x: '1' } },
    after: { data: { x: '1', y: '1' } },
    owners: { 'a Update': ['.data', '.data.x'], 'b Update': ['.data.y'] },
  },
  {
    name: 'a removed key belongs to nobody',
    before: { data: { x: '1', y: '1' } },
    after: { data: { x: '1' } },
    owners: { 'a Update': ['.data', '.data.x'] },
  },
  {
    name: 'a removed map belongs to nobody',
    before: { data: { x: '1' }, immutable: false },
    after: { immutable: false },
    owners: { 'a Update': ['.immutable'] },
  },
  {
    name: 'labels and annotations are owned, what the server sets is not',
    before: {},
    after: {
      metadata: {
        labels: { l: '1' },
        annotations: { n: '1' },
        resourceVersion: '7',
        generation: 3,
        selfLink: '/x',
        finalizers: ['example.com/x'],
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }],
      },
      data: { x: '1' },
    },
    owners: {
      'b Update': [
        '.data',
        '.data.x',
        '.metadata.annotations',
        '.metadata.annotations.n',
        '.metadata.finalizers',
        '.metadata.finalizers[="example.com/x"]',
        '.metadata.labels',
        '.metadata.labels.l',
        '.metadata.ownerReferences',
        '.metadata.ownerReferences[uid="u"]',
      ],
      'first Update': ['.immutable'],
    },
  },
];

for (const { name, before, after, owners } of changes) {
  t.test(name, async (t) => {
    const world = new World(configMaps);
    const first = 'first Update' in owners ? { immutable: true } : {};
    if ('immutable' in first) world.update('first', first);
    else world.update('a', before);
    world.update('b', { ...first, ...after });
    t.strictSame(world.owners, owners);
  });
}

t.test('nothing changes when nothing has changed, not even the time', async (t) => {
  const world = new World(configMaps);
  world.update('a', { data: { x: '1' } }, { at: '01' });
  const before = world.live?.metadata.managedFields;
  world.update('a', { data: { x: '1' } }, { at: '02' });
  t.equal(world.live?.metadata.managedFields, before);
  world.update('b', { data: { x: '1' } }, { at: '03' });
  t.equal(world.live?.metadata.managedFields, before);
});

t.test('status and the object are owned apart', async (t) => {
  const world = new World(deployments);
  world.update('a', { spec: { replicas: 1 }, status: { replicas: 9 } });
  t.strictSame(world.owners, { 'a Update': ['.spec.replicas'] });
  const whole = { spec: { replicas: 1 }, status: { replicas: 1 } };
  world.update('b', { ...whole, spec: { replicas: 5 } }, { subresource: 'status' });
  t.strictSame(world.owners, {
    'a Update': ['.spec.replicas'],
    'b Update/status': ['.status.replicas'],
  });
  world.update('b', { ...whole, spec: { replicas: 2 } });
  t.strictSame(world.owners, {
    'b Update': ['.spec.replicas'],
    'b Update/status': ['.status.replicas'],
  });
});

t.test('the replicas are owned by who scales', async (t) => {
  const world = new World(deployments);
  world.apply('a', { spec: { replicas: 1, paused: true } });
  world.update('s', { spec: { replicas: 3, paused: true } }, { subresource: 'scale' });
  t.strictSame(world.owners, { 'a Apply': ['.spec.paused'], 's Update/scale': ['.spec.replicas'] });
  t.match(
    world.apply('a', { spec: { replicas: 1, paused: true } })?.message,
    'conflict with "s" with subresource "scale" using apps/v1: .spec.replicas',
  );
  t.equal(world.apply('a', { spec: { paused: true } }), undefined);
  t.same(world.fields, { spec: { replicas: 3, paused: true } });
});

t.test('items of a list that cannot be told apart are owned together', async (t) => {
  const world = new World(pods);
  const env = (...names: string[]) => ({
    spec: { containers: [{ name: 'c', env: names.map((name, i) => ({ name, value: `${i}` })) }] },
  });
  const at = '.spec.containers[name="c"].env';
  world.update('a', env('X'));
  world.update('b', env('X', 'X'));
  t.strictSame(world.owners['b Update'], [`${at}[name="X"]`]);
  world.update('c', env('X', 'Y'));
  t.notOk('b Update' in world.owners);
  t.ok(world.owners['c Update']?.includes(`${at}[name="X"].value`));
  t.ok(world.owners['c Update']?.includes(`${at}[name="Y"]`));
});

t.test('versions with other field names keep their managers apart', async (t) => {
  const [v1, v2] = [
    builtIn('autoscaling', 'horizontalpodautoscalers'),
    builtIn('autoscaling', 'horizontalpodautoscalers', 'v2'),
  ];
  const world = new World(v2);
  const scaleTargetRef = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
  const old = { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 };
  const now = (maxReplicas: number, averageUtilization: number) => ({
    scaleTargetRef,
    maxReplicas,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
      },
    ],
  });
  t.equal(world.apply('a', { spec: old }, { kind: v1 }), undefined);
  world.live = world.object({
    ...(world.live as object),
    apiVersion: 'autoscaling/v2',
    spec: now(3, 50),
  });
  world.update('b', { spec: now(4, 50) });
  t.strictSame(world.owners['a Apply'], [
    '.spec.scaleTargetRef',
    '.spec.targetCPUUtilizationPercentage',
  ]);
  world.update('b', { spec: now(4, 80) });
  t.strictSame(world.owners['a Apply'], ['.spec.scaleTargetRef']);
});
