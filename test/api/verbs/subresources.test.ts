import t from 'tap';
import { deployments, pods } from '#api/resources/resource-types.ts';
import type { Deployment, Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const allPods = client.collection<Pod>(pods);
const ref = (name: string) => ({ namespace: 'default', name });
const binding = (name: string, node: string) => ({
  apiVersion: 'v1',
  kind: 'Binding',
  metadata: { name },
  target: { apiVersion: 'v1', kind: 'Node', name: node },
});

t.test('a pod is bound once', async (t) => {
  await allPods.create(pod('bound'));
  await allPods.createSubresource(ref('bound'), 'binding', binding('bound', 'n1'));
  const bound = await allPods.get(ref('bound'));
  t.equal(bound.spec?.nodeName, 'n1');
  t.match(bound.status?.conditions?.[0], { type: 'PodScheduled', status: 'True' });
  const again = allPods.createSubresource(ref('bound'), 'binding', binding('bound', 'n2'));
  await t.rejects(again, /already assigned to node "n1"/);
});

t.test('the older collection of bindings binds too', async (t) => {
  await allPods.create(pod('older'));
  const path = '/api/v1/namespaces/default/bindings';
  t.equal((await raw(server, 'POST', path, { body: binding('older', 'n1') })).status, 201);
  t.equal((await allPods.get(ref('older'))).spec?.nodeName, 'n1');
});

t.test('an eviction deletes with the grace period it names', async (t) => {
  await allPods.create(pod('evicted'));
  await allPods.createSubresource(ref('evicted'), 'binding', binding('evicted', 'n1'));
  await allPods.createSubresource(ref('evicted'), 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: ref('evicted'),
    deleteOptions: { gracePeriodSeconds: 7 },
  });
  t.equal((await allPods.get(ref('evicted'))).metadata.deletionGracePeriodSeconds, 7);
});

t.test('a scale reads and writes the replicas of its object', async (t) => {
  const all = client.collection<Deployment>(deployments);
  await all.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: ref('web'),
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { name: '', labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'busybox' }] },
      },
    },
  });
  const path = '/apis/apps/v1/namespaces/default/deployments/web/scale';
  const scale = await raw(server, 'GET', path);
  t.match(scale.json, { kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'app=web' } });
  const put = await raw(server, 'PUT', path, { body: { ...scale.json, spec: { replicas: 3 } } });
  t.equal(put.json.spec.replicas, 3);
  const stale = await raw(server, 'PUT', path, { body: { ...scale.json, spec: { replicas: 9 } } });
  t.equal(stale.status, 409);
  const headers = { 'content-type': 'application/merge-patch+json' };
  const patched = await raw(server, 'PATCH', path, { headers, body: { spec: { replicas: 4 } } });
  t.equal(patched.json.spec.replicas, 4);
  const now = await all.get(ref('web'));
  t.equal(now.spec?.replicas, 4);
  t.equal(now.metadata.generation, 3);
  const negative = { headers, body: { spec: { replicas: -1 } } };
  t.equal((await raw(server, 'PATCH', path, negative)).status, 422);
});

t.test('reviews answer who one is and what one may', async (t) => {
  const post = (group: string, plural: string, body: unknown, identity: string) =>
    raw(server, 'POST', `/apis/${group}/v1/${plural}`, { body, identity });
  const who = await post('authentication.k8s.io', 'selfsubjectreviews', {}, 'node-n1');
  t.equal(who.status, 201);
  t.match(who.json.status.userInfo, {
    username: 'system:node:n1',
    groups: ['system:nodes', 'system:authenticated'],
  });
  const may = (verb: string, resource: string, identity: string) =>
    post(
      'authorization.k8s.io',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: { verb, resource, namespace: 'default' } } },
      identity,
    );
  t.equal((await may('delete', 'deployments', 'admin')).json.status.allowed, true);
  t.equal((await may('delete', 'configmaps', 'node-n1')).json.status.allowed, false);
  t.equal((await may('get', 'configmaps', 'node-n1')).json.status.allowed, false);
  t.equal((await may('list', 'services', 'node-n1')).json.status.allowed, true);
  const rules = async (identity: string) => {
    const asked = { spec: { namespace: 'default' } };
    const answer = await post('authorization.k8s.io', 'selfsubjectrulesreviews', asked, identity);
    return answer.json.status;
  };
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  t.match(await rules('admin'), { resourceRules: [all], incomplete: false });
  t.match(await rules('node-n1'), { incomplete: true, evaluationError: /node authorizer/ });
});

t.test('what a kind does not have is not found, what it does not take not allowed', async (t) => {
  const map = '/api/v1/namespaces/default/configmaps/x';
  t.equal((await raw(server, 'GET', `${map}/status`)).status, 404);
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  t.equal((await raw(server, 'GET', path)).status, 405);
  t.equal((await raw(server, 'POST', '/api/v1/pods', { body: pod('x') })).status, 405);
});
