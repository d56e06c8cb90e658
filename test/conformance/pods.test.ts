/** Pods as objects: what the API server itself says of them, before any node does. */
import t from 'tap';
import { pods as podResource } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const pods = '/api/v1/namespaces/default/pods';
const podOf = (
  name: string,
  more: { labels?: object; spec?: object; generation?: number } = {},
) => ({
  metadata: { name, labels: more.labels ?? {}, generation: more.generation },
  spec: { containers: [{ name: 'c', image: 'busybox:1.36' }], ...more.spec },
});
/** One more toleration: those that are there may not go. */
async function tolerate(name: string, key: string) {
  const pod = (await api.get(`${pods}/${name}`)).json;
  pod.spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute' });
  return api.put(`${pods}/${name}`, pod);
}

t.test(
  'Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update',
  async (t) => {
    const made = await api.post(pods, podOf('counted'));
    t.equal(made.json.metadata.generation, 1);
    const patched = await tolerate('counted', 'a');
    t.equal(patched.json.metadata.generation, 2, patched.text);
    const image = await api.patch(
      `${pods}/counted`,
      { spec: { containers: [{ name: 'c', image: 'busybox:1.37' }] } },
      'strategic',
    );
    t.equal(image.json.metadata.generation, 3);
    const labelled = await api.patch(`${pods}/counted`, { metadata: { labels: { a: 'b' } } });
    t.equal(labelled.json.metadata.generation, 3, 'metadata is no wish');
    const told = await api.patch(`${pods}/counted/status`, { status: { observedGeneration: 3 } });
    t.match(told.json, { metadata: { generation: 3 }, status: { observedGeneration: 3 } });
  },
);

t.test(
  'Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete',
  async (t) => {
    const made = await api.post(pods, podOf('custom', { generation: 100 }));
    t.equal(made.json.metadata.generation, 1, 'what the client sets is no generation');
    const binding = { target: { kind: 'Node', name: 'n1' } };
    await api.post(`${pods}/custom/binding`, { metadata: { name: 'custom' }, ...binding });
    await api.patch(`${pods}/custom/status`, { status: { phase: 'Running' } });
    const before = (await api.get(`${pods}/custom`)).json.metadata.generation;
    const deleted = await api.delete(`${pods}/custom?gracePeriodSeconds=30`);
    t.ok(deleted.json.metadata.deletionTimestamp);
    t.equal(deleted.json.metadata.generation, before + 1, 'a grace period is a change of the spec');
  },
);

t.test(
  'Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge',
  async (t) => {
    const client = api.server.client().collection<Pod>(podResource);
    const deadline = { spec: { activeDeadlineSeconds: 1000 } };
    await api.post(pods, podOf('busy', deadline));
    const at = { namespace: 'default', name: 'busy' };
    for (let left = 999; left >= 500; left -= 1) {
      await client.patch(at, { spec: { activeDeadlineSeconds: left } }, 'merge');
    }
    const { metadata, spec } = (await api.get(`${pods}/busy`)).json;
    t.equal(metadata.generation, 501);
    t.equal(spec.activeDeadlineSeconds, 500);
  },
);

t.test(
  'Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu',
  async (t) => {
    const amounts = { cpu: '100m', memory: '100Mi' };
    for (const [name, resources, wanted] of [
      ['guaranteed', { limits: amounts, requests: amounts }, 'Guaranteed'],
      ['burstable', { requests: amounts }, 'Burstable'],
      ['best-effort', {}, 'BestEffort'],
    ] as const) {
      const containers = [{ name: 'c', image: 'x', resources }];
      const { json } = await api.post(pods, podOf(name, { spec: { containers } }));
      t.equal(json.status.qosClass, wanted);
    }
  },
);

t.test('Pods should be updated', async (t) => {
  const { json } = await api.post(pods, podOf('updated', { labels: { time: 'before' } }));
  json.metadata.labels.time = 'after';
  t.equal((await api.put(`${pods}/updated`, json)).status, 200);
  const { items } = (await api.get(`${pods}?labelSelector=time%3Dafter`)).json;
  t.equal(items.length, 1);
});

t.test('Pods should allow activeDeadlineSeconds to be updated', async (t) => {
  await api.post(pods, podOf('deadline'));
  const set = (activeDeadlineSeconds: number | null) =>
    api.patch(`${pods}/deadline`, { spec: { activeDeadlineSeconds } });
  t.equal((await set(30)).json.spec.activeDeadlineSeconds, 30);
  t.equal((await set(5)).json.spec.activeDeadlineSeconds, 5);
  for (const refused of [60, null]) t.equal((await set(refused)).status, 422, `${refused}`);
});

t.test('Pods should delete a collection of pods', async (t) => {
  const names = ['many-1', 'many-2', 'many-3'];
  for (const name of names) await api.post(pods, podOf(name, { labels: { type: 'Testing' } }));
  const selected = `${pods}?labelSelector=type%3DTesting`;
  t.equal((await api.get(selected)).json.items.length, 3);
  t.equal((await api.delete(selected)).status, 200);
  t.strictSame((await api.get(selected)).json.items, []);
  t.equal((await api.get(`${pods}/updated`)).status, 200, 'others stay');
});

t.test('Pods should patch a pod status', async (t) => {
  await api.post(pods, podOf('told'));
  const status = { message: 'Patched by a test', reason: 'E2E' };
  const patched = await api.patch(`${pods}/told/status`, { status });
  t.match(patched.json.status, { phase: 'Pending', ...status });
  t.match((await api.get(`${pods}/told`)).json.status, status);
});

t.test('Pods should run through the lifecycle of Pods and PodStatus', async (t) => {
  const made = await api.post(pods, podOf('life', { labels: { life: 'yes' } }));
  const { resourceVersion, uid } = made.json.metadata;
  t.equal(made.json.status.phase, 'Pending');
  const image = { spec: { containers: [{ name: 'c', image: 'busybox:1.37' }] } };
  await api.patch(
    `${pods}/life`,
    { metadata: { labels: { life: 'patched' } }, ...image },
    'strategic',
  );
  const now = (await api.get(`${pods}/life/status`)).json;
  const conditions = [{ type: 'Ready', status: 'False', reason: 'E2E' }];
  now.status = { ...now.status, phase: 'Running', conditions };
  t.match((await api.put(`${pods}/life/status`, now)).json.status.conditions, conditions);
  const deleted = await api.delete(`${pods}/life`, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: 0,
    preconditions: { uid },
  });
  t.equal(deleted.status, 200, deleted.text);
  const query = `resourceVersion=${resourceVersion}&fieldSelector=metadata.name%3Dlife`;
  const events = await api.watch(pods, query);
  t.strictSame(
    events.map(([type]) => type),
    ['MODIFIED', 'MODIFIED', 'DELETED'],
  );
  t.equal((await api.get(`${pods}/life`)).status, 404);
});

t.test('Pods should be submitted and removed', async (t) => {
  const { json: before } = await api.get(`${pods}?labelSelector=name%3Dsubmitted`);
  const { metadata } = (await api.post(pods, podOf('submitted', { labels: { name: 'submitted' } })))
    .json;
  t.equal(metadata.name, 'submitted');
  await api.delete(`${pods}/submitted?gracePeriodSeconds=0`);
  const query = `resourceVersion=${before.metadata.resourceVersion}&labelSelector=name%3Dsubmitted`;
  const events = await api.watch(pods, query);
  t.strictSame(
    events.map(([type]) => type),
    ['ADDED', 'DELETED'],
  );
});
