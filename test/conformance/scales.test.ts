/** The scale of what has replicas, with nobody who makes any. */
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const labels = { app: 'a' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } };
const selector = { matchLabels: labels };

for (const [title, path, spec] of [
  [
    'Deployment Deployment should have a working scale subresource',
    '/apis/apps/v1/namespaces/default/deployments',
    { selector, template },
  ],
  [
    'ReplicaSet Replicaset should have a working scale subresource',
    '/apis/apps/v1/namespaces/default/replicasets',
    { selector, template },
  ],
  [
    'StatefulSet Basic StatefulSet functionality should have a working scale subresource',
    '/apis/apps/v1/namespaces/default/statefulsets',
    { selector, template, serviceName: 's' },
  ],
  [
    'ReplicationController should get and update a ReplicationController scale',
    '/api/v1/namespaces/default/replicationcontrollers',
    { selector: labels, template },
  ],
] as const) {
  t.test(title, async (t) => {
    await api.post(path, { metadata: { name: 'scaled' }, spec: { replicas: 1, ...spec } });
    const scale = (await api.get(`${path}/scaled/scale`)).json;
    t.match(scale, {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'scaled', namespace: 'default' },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=a' },
    });
    const put = await api.put(`${path}/scaled/scale`, { ...scale, spec: { replicas: 2 } });
    t.equal(put.json.spec?.replicas, 2, put.text);
    t.match((await api.get(`${path}/scaled`)).json, {
      metadata: { generation: 2 },
      spec: { replicas: 2 },
    });
    t.equal((await api.put(`${path}/scaled/scale`, scale)).status, 409);
    const patched = await api.patch(`${path}/scaled/scale`, { spec: { replicas: 4 } });
    t.equal(patched.json.spec.replicas, 4);
    t.equal((await api.get(`${path}/scaled`)).json.spec.replicas, 4);
    const refused = await api.patch(`${path}/scaled/scale`, { spec: { replicas: -1 } });
    t.equal(refused.status, 422);
  });
}
