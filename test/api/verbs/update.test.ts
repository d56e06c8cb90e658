import t from 'tap';
import { configMaps, deployments, leases, pods } from '#api/resources/resource-types.ts';
import type { ConfigMap, Deployment, Lease, Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const maps = client.collection<ConfigMap>(configMaps);
const ref = (name: string) => ({ namespace: 'default', name });
const path = (name: string) => `/api/v1/namespaces/default/configmaps/${name}`;

const deployment = (name: string): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: ref(name),
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { name: '', labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'busybox' }] },
    },
  },
});

t.test('an update of an old state is a conflict, one without a version overwrites', async (t) => {
  const first = await maps.create(configMap('a'));
  await maps.update({ ...first, data: { x: '1' } });
  await t.rejects(maps.update({ ...first, data: { x: '2' } }), /the object has been modified/);
  t.strictSame((await maps.update(configMap('a', { x: '3' }))).data, { x: '3' });
});

t.test('an update that changes nothing writes nothing', async (t) => {
  const first = await maps.create(configMap('same', { x: '1' }));
  const again = await maps.update({ ...first });
  t.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
  const patched = await maps.patch(ref('same'), { data: { x: '1' } }, 'merge');
  t.equal(patched.metadata.resourceVersion, first.metadata.resourceVersion);
});

t.test('an update cannot mean another object', async (t) => {
  await maps.create(configMap('named'));
  const put = (body: unknown) => raw(server, 'PUT', path('named'), { body });
  t.equal((await put(configMap('other'))).status, 400);
  const wrong = { ...configMap('named'), metadata: { ...ref('named'), uid: 'another' } };
  t.equal((await put(wrong)).status, 409);
  t.equal((await raw(server, 'PUT', path('lost'), { body: configMap('lost') })).status, 404);
});

t.test('a lease is created by an update, and must be updated with its version', async (t) => {
  const collection = client.collection<Lease>(leases);
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: ref('lead'),
    spec: { holderIdentity: 'a' },
  };
  const made = await collection.update(lease);
  t.equal(made.spec?.holderIdentity, 'a');
  await t.rejects(collection.update(lease), /must be specified for an update/);
});

t.test('status and spec are written apart, and only the spec counts generations', async (t) => {
  const all = client.collection<Deployment>(deployments);
  const made = await all.create({ ...deployment('web'), status: { replicas: 9 } });
  t.notOk(made.status?.replicas);
  const reported = await all.updateStatus({
    ...made,
    spec: { ...made.spec, replicas: 7 },
    status: { replicas: 2 },
  } as Deployment);
  t.equal(reported.status?.replicas, 2);
  t.equal(reported.spec?.replicas, 2);
  t.equal(reported.metadata.generation, 1);
  const scaled = await all.patch(
    ref('web'),
    { spec: { replicas: 5 }, status: { replicas: 0 } },
    'merge',
  );
  t.equal(scaled.metadata.generation, 2);
  t.equal(scaled.status?.replicas, 2);
  const labelled = await all.patch(ref('web'), { metadata: { labels: { a: 'b' } } }, 'merge');
  t.equal(labelled.metadata.generation, 2);
});

t.test('a strategic patch merges containers by name', async (t) => {
  const all = client.collection<Deployment>(deployments);
  await all.create(deployment('merged'));
  const containers = [
    { name: 'main', image: 'busybox:2' },
    { name: 'side', image: 'busybox' },
  ];
  const patched = await all.patch(
    ref('merged'),
    { spec: { template: { spec: { containers } } } },
    'strategic',
  );
  t.strictSame(
    patched.spec?.template.spec?.containers.map(({ name, image }) => [name, image]).sort(),
    [
      ['main', 'busybox:2'],
      ['side', 'busybox'],
    ],
  );
});

t.test('a JSON patch is applied step by step, and refused when a test fails', async (t) => {
  await maps.create(configMap('steps', { x: '1' }));
  const steps = [
    { op: 'test', path: '/data/x', value: '1' },
    { op: 'add', path: '/data/y', value: '2' },
  ];
  t.strictSame((await maps.patch(ref('steps'), steps, 'json')).data, { x: '1', y: '2' });
  const failing = [{ op: 'test', path: '/data/x', value: '9' }];
  const headers = { 'content-type': 'application/json-patch+json' };
  t.equal((await raw(server, 'PATCH', path('steps'), { headers, body: failing })).status, 422);
});

t.test('concurrent patches all take effect', async (t) => {
  await maps.create(configMap('busy'));
  const fields = Array.from({ length: 12 }, (_, at) => `k${at}`);
  await Promise.all(
    fields.map((key) => maps.patch(ref('busy'), { data: { [key]: '1' } }, 'merge')),
  );
  t.strictSame(Object.keys((await maps.get(ref('busy'))).data ?? {}).sort(), fields.sort());
});

t.test('a patch with the version of an old state is a conflict', async (t) => {
  const first = await maps.create(configMap('versioned'));
  await maps.patch(ref('versioned'), { data: { x: '1' } }, 'merge');
  const { resourceVersion } = first.metadata;
  const stale = maps.patch(
    ref('versioned'),
    { metadata: { resourceVersion }, data: { x: '2' } },
    'merge',
  );
  await t.rejects(stale, /the object has been modified/);
});

t.test('a patch is checked like any other body', async (t) => {
  await client.collection<Pod>(pods).create(pod('checked'));
  const patch = (body: unknown, query = '') =>
    raw(server, 'PATCH', `/api/v1/namespaces/default/pods/checked${query}`, {
      body,
      headers: { 'content-type': 'application/merge-patch+json' },
    });
  const strict = await patch({ spec: { colour: 'red' } }, '?fieldValidation=Strict');
  t.equal(strict.status, 400);
  t.equal((await patch({ spec: { containers: 'none' } })).status, 400);
  t.equal((await patch({ spec: { restartPolicy: 'Never' } })).status, 422);
  const unknown = { headers: { 'content-type': 'text/plain' }, body: 'x' };
  t.equal((await raw(server, 'PATCH', path('checked'), unknown)).status, 415);
});

t.test('a dry run shows what would be and changes nothing', async (t) => {
  const first = await maps.create(configMap('dry', { x: '1' }));
  const answer = await raw(server, 'PATCH', `${path('dry')}?dryRun=All`, {
    body: { data: { x: '2' } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  t.strictSame(answer.json.data, { x: '2' });
  t.strictSame(await maps.get(ref('dry')), first);
});
