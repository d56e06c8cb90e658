/** ResourceQuota as the profile sees it; `test/api/quota` has the rest. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { waitFor } from '../support/cluster.ts';
import { raw } from '../support/raw-request.ts';

const api = await startTestServer();
t.teardown(() => api.close());

const base = '/api/v1/namespaces/counted';
const quotas = `${base}/resourcequotas`;
const call = (method: string, path: string, body?: object) =>
  raw(api, method, path, body === undefined ? {} : { body });

await call('POST', '/api/v1/namespaces', {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'counted' },
});

const quota = (name: string, hard: object) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name },
  spec: { hard },
});

const used = (name: string, resource: string, wanted: string) =>
  waitFor(`${resource} of ${name} to be ${wanted}`, async () => {
    const { status = {} } = (await call('GET', `${quotas}/${name}`)).json;
    return status.used?.[resource] === wanted ? true : undefined;
  });

t.test('ResourceQuota should apply changes to a resourcequota status', async (t) => {
  await call('POST', quotas, quota('status', { configmaps: '10' }));
  await used('status', 'configmaps', '0');
  const before = (await call('GET', `${quotas}/status`)).json;
  const claimed = { ...before, status: { hard: { configmaps: '10' }, used: { configmaps: '7' } } };
  const put = await call('PUT', `${quotas}/status/status`, claimed);
  t.equal(put.status, 200, put.text);
  t.match(put.json.status, claimed.status);
  await used('status', 'configmaps', '0');
  const after = (await call('GET', `${quotas}/status`)).json;
  t.strictSame(after.spec, before.spec, 'what was claimed is counted again, the spec stays');
});

const lives: [what: string, resource: string, path: string, object: object][] = [
  ['configMap', 'configmaps', `${base}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap' }],
  ['secret', 'secrets', `${base}/secrets`, { apiVersion: 'v1', kind: 'Secret' }],
  [
    'service',
    'services',
    `${base}/services`,
    { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } },
  ],
  [
    'replication controller',
    'replicationcontrollers',
    `${base}/replicationcontrollers`,
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      spec: {
        replicas: 0,
        selector: { a: 'b' },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'x' }] },
        },
      },
    },
  ],
  [
    'replica set',
    'count/replicasets.apps',
    '/apis/apps/v1/namespaces/counted/replicasets',
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'x' }] },
        },
      },
    },
  ],
  [
    'pod',
    'requests.cpu',
    `${base}/pods`,
    {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] },
    },
  ],
];

for (const [what, resource, path, object] of lives) {
  t.test(
    `ResourceQuota should create a ResourceQuota and capture the life of a ${what}.`,
    async (t) => {
      const name = `life-${resource.replace(/[^a-z]/g, '-')}`;
      await call('POST', quotas, quota(name, { [resource]: '1' }));
      await used(name, resource, '0');
      const make = (id: string) => call('POST', path, { ...object, metadata: { name: id } });
      t.equal((await make('one')).status, 201);
      await used(name, resource, '1');
      t.match((await make('two')).json, { code: 403, message: /exceeded quota/ });
      await call('DELETE', `${path}/one?gracePeriodSeconds=0&propagationPolicy=Background`);
      await used(name, resource, '0');
      await call('DELETE', `${quotas}/${name}`);
    },
  );
}

t.test('ResourceQuota should be able to update and delete ResourceQuota.', async (t) => {
  await call('POST', quotas, quota('change', { pods: '1' }));
  await used('change', 'pods', '0');
  const { json } = await call('GET', `${quotas}/change`);
  const larger = await call('PUT', `${quotas}/change`, { ...json, spec: { hard: { pods: '2' } } });
  t.equal(larger.json.spec.hard.pods, '2');
  t.equal((await call('DELETE', `${quotas}/change`)).status, 200);
  t.equal((await call('GET', `${quotas}/change`)).status, 404);
});

t.test(
  'ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.',
  async (t) => {
    await call('POST', quotas, quota('prompt', { pods: '5', services: '10' }));
    await used('prompt', 'services', '0');
    const { json } = await call('GET', `${quotas}/prompt`);
    t.match(json.status, {
      hard: { pods: '5', services: '10' },
      used: { pods: '0', services: '0' },
    });
    await call('DELETE', `${quotas}/prompt`);
  },
);

t.test('ResourceQuota should manage the lifecycle of a ResourceQuota', async (t) => {
  const labelled = `${quotas}?labelSelector=life%3Dyes`;
  const object = quota('life', { cpu: '1', memory: '500Mi' });
  const metadata = { ...object.metadata, labels: { life: 'yes' } };
  t.equal((await call('POST', quotas, { ...object, metadata })).status, 201);
  t.equal(
    (await call('GET', `/api/v1/resourcequotas?labelSelector=life%3Dyes`)).json.items.length,
    1,
  );
  const patched = await raw(api, 'PATCH', `${quotas}/life`, {
    body: { metadata: { labels: { patched: 'yes' } }, spec: { hard: { memory: '750Mi' } } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  t.strictSame(patched.json.spec.hard, { cpu: '1', memory: '750Mi' });
  t.equal((await call('DELETE', labelled)).status, 200);
  t.strictSame((await call('GET', labelled)).json.items, []);
});

const amounts = { cpu: '100m', memory: '100Mi' };
const podOf = (name: string, resources: object, more: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x', resources }], ...more },
});

for (const [title, scopes, first, second] of [
  [
    'ResourceQuota should verify ResourceQuota with best effort scope.',
    ['BestEffort', 'NotBestEffort'],
    podOf('of-best-effort', {}),
    podOf('not-of-it', { requests: amounts, limits: amounts }),
  ],
  [
    'ResourceQuota should verify ResourceQuota with terminating scopes.',
    ['Terminating', 'NotTerminating'],
    podOf('terminating', {}, { activeDeadlineSeconds: 3600 }),
    podOf('lasting', {}),
  ],
] as const) {
  t.test(title, async (t) => {
    const [one, other] = scopes.map((scope) => scope.toLowerCase()) as [string, string];
    for (const scope of scopes) {
      const { spec, ...rest } = quota(scope.toLowerCase(), { pods: '5' });
      await call('POST', quotas, { ...rest, spec: { ...spec, scopes: [scope] } });
    }
    for (const [pod, counting, still] of [
      [first, one, other],
      [second, other, one],
    ] as const) {
      const made = await call('POST', `${base}/pods`, pod);
      t.equal(made.status, 201, made.text);
      await used(counting, 'pods', '1');
      await used(still, 'pods', '0');
      await call('DELETE', `${base}/pods/${pod.metadata.name}?gracePeriodSeconds=0`);
      await used(counting, 'pods', '0');
    }
    for (const name of [one, other]) await call('DELETE', `${quotas}/${name}`);
  });
}
