/** Namespaces, ConfigMaps, Secrets and what pods take from other objects, as far as it is the API's part. */
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const namespaces = '/api/v1/namespaces';
const space = `${namespaces}/default`;
const pods = `${space}/pods`;
const podOf = (name: string, spec: object) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...spec },
});

t.test('Namespaces should patch a Namespace', async (t) => {
  await api.post(namespaces, { metadata: { name: 'patched' } });
  const patch = { metadata: { labels: { testLabel: 'testValue' } } };
  await api.patch(`${namespaces}/patched`, patch, 'strategic');
  const { metadata } = (await api.get(`${namespaces}/patched`)).json;
  t.match(metadata.labels, { testLabel: 'testValue', 'kubernetes.io/metadata.name': 'patched' });
});

t.test('Namespaces should apply changes to a namespace status', async (t) => {
  await api.post(namespaces, { metadata: { name: 'told' } });
  const status = `${namespaces}/told/status`;
  const condition = (type: string) => ({
    conditions: [{ type, status: 'True', reason: 'E2E', message: 'Patched' }],
  });
  const patched = await api.patch(status, { status: condition('StatusPatch') });
  t.match(patched.json.status, { phase: 'Active', ...condition('StatusPatch') });
  const now = (await api.get(status)).json;
  now.status = { ...now.status, ...condition('StatusUpdate') };
  t.match((await api.put(status, now)).json.status, condition('StatusUpdate'));
  t.equal((await api.put(status, now)).status, 409);
});

t.test('Namespaces should apply an update to a Namespace', async (t) => {
  const { json } = await api.post(namespaces, { metadata: { name: 'updated' } });
  json.metadata.labels.updated = 'true';
  const updated = await api.put(`${namespaces}/updated`, json);
  t.equal(updated.json.metadata.labels.updated, 'true');
});

t.test('Namespaces should apply a finalizer to a Namespace', async (t) => {
  const { json } = await api.post(namespaces, { metadata: { name: 'held' } });
  t.strictSame(json.spec.finalizers, ['kubernetes']);
  const finalize = `${namespaces}/held/finalize`;
  json.spec.finalizers.push('e2e.example.com/fakeFinalizer');
  const more = await api.put(finalize, json);
  t.equal(more.json.spec.finalizers.length, 2, more.text);
  await api.delete(`${namespaces}/held`);
  const going = (await api.get(`${namespaces}/held`)).json;
  t.equal(going.status.phase, 'Terminating');
  await api.put(finalize, { ...going, spec: { finalizers: ['kubernetes'] } });
  const left = (await api.get(`${namespaces}/held`)).json;
  t.strictSame(left.spec.finalizers, ['kubernetes'], 'it waits for the rest');
  await api.put(finalize, { ...left, spec: { finalizers: [] } });
  t.equal((await api.get(`${namespaces}/held`)).status, 404);
});

for (const [kind, path, data, behaviour] of [
  ['ConfigMap', 'configmaps', { '': 'value' }, 'ConfigMap with empty key'],
  ['Secret', 'secrets', { '': 'dmFsdWU=' }, 'secret due to empty secret key'],
] as const) {
  t.test(
    `${kind === 'Secret' ? 'Secrets' : kind} should fail to create ${behaviour}`,
    async (t) => {
      const refused = await api.post(`${space}/${path}`, { metadata: { name: 'empty-key' }, data });
      t.match(refused.json, { code: 422, details: { causes: [{ field: 'data[]' }] } });
      t.equal((await api.get(`${space}/${path}/empty-key`)).status, 404);
    },
  );
}

for (const [title, path] of [
  ['ConfigMap should be immutable if `immutable` field is set', `${space}/configmaps`],
  ['Secrets should be immutable if `immutable` field is set', `${space}/secrets`],
] as const) {
  t.test(title, async (t) => {
    const item = `${path}/fixed`;
    await api.post(path, { metadata: { name: 'fixed' }, data: { a: 'MQ==' } });
    t.equal((await api.patch(item, { data: { a: 'Mg==' } })).status, 200, 'it is still open');
    t.equal((await api.patch(item, { immutable: true })).json.immutable, true);
    for (const patch of [{ data: { b: 'MQ==' } }, { immutable: false }]) {
      t.match((await api.patch(item, patch)).json, { code: 422, reason: 'Invalid' });
    }
    const labelled = await api.patch(item, { metadata: { labels: { still: 'mine' } } });
    t.equal(labelled.status, 200, 'metadata may change');
    t.strictSame(labelled.json.data, { a: 'Mg==' });
    t.equal((await api.delete(item)).status, 200);
  });
}

t.test('ConfigMap should update ConfigMap successfully', async (t) => {
  const path = `${space}/configmaps`;
  const { json } = await api.post(path, { metadata: { name: 'valued' }, data: { a: '1' } });
  json.data.b = '2';
  await api.put(`${path}/valued`, json);
  t.strictSame((await api.get(`${path}/valued`)).json.data, { a: '1', b: '2' });
});

t.test(
  'LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.',
  async (t) => {
    await api.post(namespaces, { metadata: { name: 'limited' } });
    const inside = `${namespaces}/limited`;
    const limits = [
      {
        type: 'Container',
        min: { cpu: '50m', memory: '100Mi' },
        max: { cpu: '500m', memory: '500Mi' },
        default: { cpu: '300m', memory: '300Mi' },
        defaultRequest: { cpu: '100m', memory: '200Mi' },
      },
    ];
    await api.post(`${inside}/limitranges`, { metadata: { name: 'limits' }, spec: { limits } });
    const resourcesOf = async (name: string, resources: object) => {
      const containers = [{ name: 'c', image: 'busybox', resources }];
      return api.post(`${inside}/pods`, podOf(name, { containers }));
    };
    const none = await resourcesOf('none', {});
    t.strictSame(none.json.spec.containers[0].resources, {
      limits: { cpu: '300m', memory: '300Mi' },
      requests: { cpu: '100m', memory: '200Mi' },
    });
    const partial = await resourcesOf('partial', { limits: { cpu: '200m' } });
    t.strictSame(partial.json.spec.containers[0].resources, {
      limits: { cpu: '200m', memory: '300Mi' },
      requests: { cpu: '200m', memory: '200Mi' },
    });
    t.match((await resourcesOf('small', { requests: { cpu: '10m' } })).json, {
      code: 403,
      message: /minimum cpu usage per Container is 50m/,
    });
    t.match((await resourcesOf('large', { limits: { memory: '600Mi' } })).json, {
      code: 403,
      message: /maximum memory usage per Container is 500Mi/,
    });
  },
);

const classes = '/apis/node.k8s.io/v1/runtimeclasses';

t.test('RuntimeClass should reject a Pod requesting a non-existent RuntimeClass', async (t) => {
  const refused = await api.post(pods, podOf('nowhere', { runtimeClassName: 'absent' }));
  t.match(refused.json, { code: 403, message: /RuntimeClass "absent" not found/ });
});

t.test('RuntimeClass should reject a Pod requesting a deleted RuntimeClass', async (t) => {
  await api.post(classes, { metadata: { name: 'shortlived' }, handler: 'h' });
  await api.delete(`${classes}/shortlived`);
  const refused = await api.post(pods, podOf('late', { runtimeClassName: 'shortlived' }));
  t.equal(refused.status, 403);
});

t.test(
  'RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead',
  async (t) => {
    const overhead = { podFixed: { cpu: '10m', memory: '1Mi' } };
    await api.post(classes, { metadata: { name: 'heavy' }, handler: 'h', overhead });
    const { json } = await api.post(pods, podOf('heavy', { runtimeClassName: 'heavy' }));
    t.strictSame(json.spec.overhead, overhead.podFixed);
    const own = podOf('own', { runtimeClassName: 'heavy', overhead: { cpu: '1' } });
    t.equal((await api.post(pods, own)).status, 403, 'nobody says another one');
  },
);

t.test(
  'RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead',
  async (t) => {
    await api.post(classes, { metadata: { name: 'light' }, handler: 'h' });
    const { json } = await api.post(pods, podOf('light', { runtimeClassName: 'light' }));
    t.equal(json.spec.runtimeClassName, 'light');
    t.notOk('overhead' in json.spec);
  },
);

t.test('CSIInlineVolumes should support CSIVolumeSource in Pod API', async (t) => {
  const csi = { driver: 'example.com', fsType: 'ext4', readOnly: true };
  const made = await api.post(pods, podOf('inline', { volumes: [{ name: 'v', csi }] }));
  t.strictSame(made.json.spec?.volumes[0].csi, csi, made.text);
  const { items } = (await api.get('/api/v1/pods?fieldSelector=metadata.name%3Dinline')).json;
  t.strictSame(items[0].spec.volumes[0].csi, csi);
  const patched = await api.patch(
    `${pods}/inline`,
    { metadata: { labels: { a: 'patched' } } },
    'strategic',
  );
  t.equal(patched.json.metadata.labels.a, 'patched');
  t.equal((await api.delete(`${pods}/inline`)).status, 200);
  t.equal((await api.get(`${pods}/inline`)).status, 404);
});

t.test('Sysctls should reject invalid sysctls', async (t) => {
  const named = (name: string) => ({ name, value: '100000000' });
  const names = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'];
  const sysctls = names.map(named);
  const refused = await api.post(pods, podOf('sysctl', { securityContext: { sysctls } }));
  t.equal(refused.status, 422);
  const fields = refused.json.details.causes.map(({ field }: { field: string }) => field);
  const place = 'spec.securityContext.sysctls';
  t.strictSame(fields, [`${place}[0].name`, `${place}[3].name`], 'not those that are right');
  t.match(refused.json.message, /Invalid value: "foo-"/);
  t.equal((await api.get(`${pods}/sysctl`)).status, 404);
});
