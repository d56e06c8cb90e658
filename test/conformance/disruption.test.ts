/** PodDisruptionBudgets and evictions as the profile sees them: a real API server, the real controller, pods played. */
import t from 'tap';
import { disruptionController } from '#controller/disruption/controller.ts';
import { runControllers } from '#controller/runtime/world.ts';
import { waitFor } from '../support/cluster.ts';
import { startApi } from './client.ts';

const api = await startApi();
const running = runControllers(api.server.client('controller'), [disruptionController]).subscribe();
t.teardown(async () => {
  running.unsubscribe();
  await api.server.close();
});

const base = '/apis/policy/v1/namespaces';
const namespace = async (name: string) => {
  await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return {
    budgets: `${base}/${name}/poddisruptionbudgets`,
    pods: `/api/v1/namespaces/${name}/pods`,
  };
};

const budget = (name: string, spec: object, labels = { test: 'pdb' }) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, labels },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
});

/** A pod that a node runs. */
async function run(pods: string, name: string, ready = true) {
  const made = await api.post(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' } },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'busybox' }] },
  });
  if (made.status !== 201) throw new Error(made.text);
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  await api.patch(`${pods}/${name}/status`, { status: { phase: 'Running', conditions } });
}

const evict = (pods: string, name: string, more = {}) =>
  api.post(`${pods}/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name },
    ...more,
  });

const until = (budgets: string, name: string, wanted: Record<string, unknown>) =>
  waitFor(`${name} to be ${JSON.stringify(wanted)}`, async () => {
    const { status = {} } = (await api.get(`${budgets}/${name}`)).json;
    const holds = Object.entries(wanted).every(([field, value]) => status[field] === value);
    return holds ? status : undefined;
  });

t.test('DisruptionController should create a PodDisruptionBudget', async (t) => {
  const { budgets } = await namespace('create');
  t.equal((await api.post(budgets, budget('foo', { minAvailable: '1%' }))).status, 201);
  await until(budgets, 'foo', { observedGeneration: 1 });
  const patched = await api.patch(`${budgets}/foo`, { metadata: { labels: { patched: 'yes' } } });
  t.equal(patched.json.metadata.labels.patched, 'yes');
  const updated = await api.put(`${budgets}/foo`, {
    ...(await api.get(`${budgets}/foo`)).json,
    spec: budget('foo', { minAvailable: '2%' }).spec,
  });
  t.equal(updated.json.spec.minAvailable, '2%');
  await until(budgets, 'foo', { observedGeneration: 2 });
  t.equal((await api.delete(`${budgets}/foo`)).status, 200);
  t.equal((await api.get(`${budgets}/foo`)).status, 404);
});

t.test(
  'Listing PodDisruptionBudgets for all namespaces should list and delete a collection',
  async (t) => {
    const one = await namespace('list-one');
    const two = await namespace('list-two');
    const labels = { test: 'collection' };
    await api.post(one.budgets, budget('foo', { minAvailable: 1 }, labels));
    await api.post(one.budgets, budget('bar', { minAvailable: 1 }, labels));
    await api.post(two.budgets, budget('foo', { minAvailable: 1 }, labels));
    const all = await api.get(
      '/apis/policy/v1/poddisruptionbudgets?labelSelector=test%3Dcollection',
    );
    t.equal(all.json.items.length, 3);
    await api.delete(`${one.budgets}?labelSelector=test%3Dcollection`);
    t.equal((await api.get(one.budgets)).json.items.length, 0);
    t.equal((await api.get(two.budgets)).json.items.length, 1);
  },
);

t.test('DisruptionController should observe PodDisruptionBudget status updated', async () => {
  const { budgets, pods } = await namespace('observe');
  await api.post(budgets, budget('foo', { minAvailable: 1 }));
  for (const name of ['a', 'b', 'c']) await run(pods, name);
  await until(budgets, 'foo', { disruptionsAllowed: 2, currentHealthy: 3, expectedPods: 3 });
});

t.test('DisruptionController should update/patch PodDisruptionBudget status', async (t) => {
  const { budgets, pods } = await namespace('status');
  await api.post(budgets, budget('foo', { minAvailable: 1 }));
  await run(pods, 'a');
  await until(budgets, 'foo', { currentHealthy: 1 });
  const held = (await api.get(`${budgets}/foo`)).json;
  held.status.disruptedPods = { a: new Date().toISOString() };
  const put = await api.put(`${budgets}/foo/status`, held);
  t.equal(put.status, 200, put.text);
  t.ok(put.json.status.disruptedPods.a);
  const patched = await api.patch(`${budgets}/foo/status`, { status: { disruptedPods: null } });
  t.equal(patched.json.status.disruptedPods, undefined);
});

t.test(
  'DisruptionController should block an eviction until the PDB is updated to allow it',
  async (t) => {
    const { budgets, pods } = await namespace('block');
    await api.post(budgets, budget('foo', { minAvailable: 3 }));
    for (const name of ['a', 'b', 'c']) await run(pods, name);
    await until(budgets, 'foo', { currentHealthy: 3, disruptionsAllowed: 0 });
    const refused = await evict(pods, 'a');
    t.equal(refused.status, 429);
    t.match(refused.json, {
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget foo needs 3 healthy pods and has 3 currently',
          },
        ],
      },
    });
    await api.patch(`${budgets}/foo`, { spec: { minAvailable: 2 } });
    await until(budgets, 'foo', { disruptionsAllowed: 1 });
    const dry = await api.post(`${pods}/a/eviction?dryRun=All`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'a' },
      deleteOptions: { dryRun: ['All'] },
    });
    t.equal(dry.status, 201, dry.text);
    t.equal((await api.get(`${pods}/a`)).json.metadata.deletionTimestamp, undefined);
    t.equal((await evict(pods, 'a')).status, 201);
    const { metadata, status } = (await api.get(`${pods}/a`)).json;
    t.ok(metadata.deletionTimestamp);
    t.match(
      status.conditions.find(({ type }: { type: string }) => type === 'DisruptionTarget'),
      { status: 'True', reason: 'EvictionByEvictionAPI' },
    );
    t.equal((await evict(pods, 'b')).status, 429, 'one at a time');
    t.equal((await evict(pods, 'a')).status, 201, 'who is going may go');
  },
);

t.test(
  'a pod that is not ready goes if enough others are, or if the budget does not mind',
  async (t) => {
    const { budgets, pods } = await namespace('unhealthy');
    await api.post(budgets, budget('foo', { minAvailable: 1 }));
    await run(pods, 'well');
    await run(pods, 'sick', false);
    await until(budgets, 'foo', { currentHealthy: 1, expectedPods: 2, disruptionsAllowed: 0 });
    t.equal((await evict(pods, 'well')).status, 429);
    t.equal((await evict(pods, 'sick')).status, 201);
    await run(pods, 'ill', false);
    await api.patch(`${budgets}/foo`, { spec: { minAvailable: 2 } });
    await until(budgets, 'foo', { observedGeneration: 2, desiredHealthy: 2 });
    t.equal((await evict(pods, 'ill')).status, 429);
    await api.patch(`${budgets}/foo`, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
    t.equal((await evict(pods, 'ill')).status, 201);
  },
);

t.test('two budgets for one pod, another name, no pod: refused with the reason', async (t) => {
  const { budgets, pods } = await namespace('bad');
  for (const name of ['one', 'two']) await api.post(budgets, budget(name, { minAvailable: 0 }));
  await run(pods, 'a');
  const twice = await evict(pods, 'a');
  t.equal(twice.status, 500);
  t.match(twice.json.message, /more than one PodDisruptionBudget/);
  const other = await evict(pods, 'a', { metadata: { name: 'b' } });
  t.equal(other.status, 400);
  t.match(other.json.message, /name in URL does not match name in Eviction object/);
  t.equal((await evict(pods, 'none')).status, 404);
});
