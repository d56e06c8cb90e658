/** What a node may see and write: its own pods' things, itself, and nothing of its neighbours. */
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const node = (method: string, path: string, body?: unknown) =>
  raw(server, method, path, { body, identity: 'node-n1' });
const admin = (method: string, path: string, body?: unknown) => raw(server, method, path, { body });
const base = '/api/v1/namespaces/default';
const merge = { 'content-type': 'application/merge-patch+json' };
const patch = (path: string, body: unknown) =>
  raw(server, 'PATCH', path, { body, identity: 'node-n1', headers: merge });

const token = { serviceAccountToken: { path: 'token', audience: 'vault' } };
const own = {
  ...pod('own'),
  spec: {
    nodeName: 'n1',
    serviceAccountName: 'robot',
    imagePullSecrets: [{ name: 'pull' }],
    containers: [
      {
        name: 'main',
        image: 'i',
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } }],
        envFrom: [{ configMapRef: { name: 'from' } }],
      },
    ],
    volumes: [
      { name: 'a', secret: { secretName: 'volume' } },
      { name: 'b', projected: { sources: [{ configMap: { name: 'projected' } }, token] } },
    ],
  },
};

t.before(async () => {
  for (const name of ['pull', 'env', 'volume', 'foreign']) {
    await admin('POST', `${base}/secrets`, { metadata: { name } });
  }
  for (const name of ['from', 'projected']) {
    await admin('POST', `${base}/configmaps`, { metadata: { name } });
  }
  await admin('POST', `${base}/serviceaccounts`, { metadata: { name: 'robot' } });
  await admin('POST', `${base}/pods`, own);
  await admin('POST', `${base}/pods`, { ...pod('other'), spec: { ...own.spec, nodeName: 'n2' } });
  for (const name of ['n1', 'n2']) await admin('POST', '/api/v1/nodes', { metadata: { name } });
});

t.test('it reads what its pods name, one by one', async (t) => {
  for (const path of ['secrets/pull', 'secrets/env', 'secrets/volume']) {
    t.equal((await node('GET', `${base}/${path}`)).status, 200, path);
  }
  for (const path of ['configmaps/from', 'configmaps/projected']) {
    t.equal((await node('GET', `${base}/${path}`)).status, 200, path);
  }
  const refused = await node('GET', `${base}/secrets/foreign`);
  t.equal(refused.status, 403);
  t.match(refused.json.message, /no relationship found between node 'n1' and this object/);
  t.equal((await node('GET', `${base}/secrets`)).status, 403);
  t.equal((await node('GET', `${base}/secrets?fieldSelector=metadata.name%3Denv`)).status, 200);
  t.equal((await node('GET', `${base}/secrets?fieldSelector=metadata.name%3Dforeign`)).status, 403);
});

t.test('it sees itself and its own pods', async (t) => {
  t.equal((await node('GET', '/api/v1/nodes/n1')).status, 200);
  t.equal((await node('GET', '/api/v1/nodes/n2')).status, 403);
  t.equal((await node('GET', `${base}/pods/own`)).status, 200);
  t.equal((await node('GET', `${base}/pods/other`)).status, 403);
  const selected = (name: string) => `/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`;
  t.equal((await node('GET', selected('n1'))).status, 200);
  t.equal((await node('GET', selected('n2'))).status, 403);
  t.equal((await node('GET', `/api/v1/pods?fieldSelector=spec.nodeName!%3Dn1`)).status, 403);
});

t.test('it writes about itself and its own pods', async (t) => {
  const ready = { status: { phase: 'Running' } };
  t.equal((await patch(`${base}/pods/own/status`, ready)).status, 200);
  const foreign = await patch(`${base}/pods/other/status`, ready);
  t.match(foreign.json.message, /can only update pod status for pods with spec.nodeName set/);
  t.equal((await node('DELETE', `${base}/pods/other`)).status, 403);
  const evicted = { metadata: { name: 'other' } };
  t.equal((await node('POST', `${base}/pods/other/eviction`, evicted)).status, 403);
  t.equal((await patch('/api/v1/nodes/n2', { metadata: { labels: { a: 'b' } } })).status, 403);
  t.equal((await patch('/api/v1/nodes/n1', { metadata: { labels: { a: 'b' } } })).status, 200);
  const relabel = (key: string) =>
    patch('/api/v1/nodes/n1', { metadata: { labels: { [key]: 'x' } } });
  t.equal((await relabel('kubernetes.io/hostname')).status, 200);
  t.equal((await relabel('node-restriction.kubernetes.io/tier')).status, 403);
  t.equal((await relabel('foo.node-restriction.kubernetes.io/tier')).status, 403);
  t.equal((await relabel('node-role.kubernetes.io/control-plane')).status, 403);
  const taints = [{ key: 'a', effect: 'NoSchedule' }];
  const tainted = await patch('/api/v1/nodes/n1', { spec: { taints } });
  t.match(tainted.json.message, /not allowed to modify taints/);
});

t.test('it makes mirror pods of its own alone, which name nothing (CVE-2025-4563)', async (t) => {
  const annotations = { 'kubernetes.io/config.mirror': 'x' };
  const mirror = (nodeName: string, more: object = {}) => ({
    metadata: { name: `m-${nodeName}`, annotations },
    spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...more },
  });
  t.match(
    (await node('POST', `${base}/pods`, { ...mirror('n1'), metadata: { name: 'plain' } })).json,
    { code: 403, message: /can only create mirror pods/ },
  );
  t.equal((await node('POST', `${base}/pods`, mirror('n2'))).status, 403);
  const greedy = mirror('n1', { volumes: [{ name: 'v', secret: { secretName: 'foreign' } }] });
  t.match((await node('POST', `${base}/pods`, greedy)).json.message, /reference secrets/);
  t.equal((await node('POST', `${base}/pods`, mirror('n1'))).status, 201);
});

t.test('it gets tokens for its own pods, as they ask for them', async (t) => {
  const held = (await admin('GET', `${base}/pods/own`)).json.metadata;
  const other = (await admin('GET', `${base}/pods/other`)).json.metadata;
  const ask = (spec: object, account = 'robot') =>
    node('POST', `${base}/serviceaccounts/${account}/token`, {
      spec: { audiences: ['vault'], ...spec },
    });
  const bound = ({ name, uid }: { name: string; uid?: string }) => ({
    boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, ...(uid === undefined ? {} : { uid }) },
  });
  t.equal((await ask(bound(held))).status, 201);
  t.match((await ask({})).json.message, /not bound to a pod/);
  t.match((await ask(bound({ name: 'own' }))).json.message, /without a uid/);
  t.match((await ask(bound(other))).json.message, /scheduled on a different node/);
  const greedy = await ask({ ...bound(held), audiences: [] });
  t.match(greedy.json.message, /audience .* not found in pod spec volume/);
  t.equal((await ask(bound(held), 'default')).status, 403);
});

t.test('its lease is the one of its name', async (t) => {
  const leases = '/apis/coordination.k8s.io/v1/namespaces';
  const make = (namespace: string, name: string) =>
    node('POST', `${leases}/${namespace}/leases`, { metadata: { name } });
  t.equal((await make('kube-node-lease', 'n1')).status, 201);
  t.equal((await make('kube-node-lease', 'n2')).status, 403);
  t.equal((await make('default', 'n1')).status, 403);
  t.equal((await node('GET', `${leases}/kube-node-lease/leases/n2`)).status, 403);
});

t.test('what a pod named is out of reach once the pod is gone', async (t) => {
  await admin('DELETE', `${base}/pods/own`, { gracePeriodSeconds: 0 });
  t.equal((await node('GET', `${base}/secrets/env`)).status, 403);
});
