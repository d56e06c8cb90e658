/** ResourceQuota through the API: nobody gets more than there is, and what goes is given back. */
import t from 'tap';
import { configMaps, pods, services } from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Service, Top } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { waitFor } from '../../support/cluster.ts';

type Quota = Top<import('@kubernetes/client-node').V1ResourceQuota>;

const type = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};
const namespaceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

const api = await startTestServer();
t.teardown(() => api.close());
const client = api.client();
const quotas = client.collection<Quota>(type);

let made = 0;
/** A namespace of its own with a quota. */
async function limited(hard: Record<string, string>, more: object = {}): Promise<string> {
  const namespace = `q${made++}`;
  await client
    .collection(namespaceType)
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const metadata = { name: 'limits', namespace };
  await quotas.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata,
    spec: { hard, ...more },
  });
  return namespace;
}

const used = async (namespace: string) =>
  (await quotas.get({ namespace, name: 'limits' })).status?.used;

const usedIs = (namespace: string, wanted: Record<string, string>) =>
  waitFor(`used ${JSON.stringify(wanted)}`, async () => {
    const is = (await used(namespace)) ?? {};
    return Object.entries(wanted).every(([name, value]) => is[name] === value) ? true : undefined;
  });

const pod = (namespace: string, name: string, cpu?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'x',
        ...(cpu && { resources: { requests: { cpu }, limits: { cpu } } }),
      },
    ],
  },
});
const map = (namespace: string, name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
});

t.test('the status of a new quota is there at once', async (t) => {
  const namespace = await limited({ pods: '2', 'requests.cpu': '1' });
  await usedIs(namespace, { pods: '0', 'requests.cpu': '0' });
  const quota = await quotas.get({ namespace, name: 'limits' });
  t.strictSame(quota.status?.hard, { pods: '2', 'requests.cpu': '1' });
});

t.test('what exceeds is refused in the words of Kubernetes, and changes nothing', async (t) => {
  const namespace = await limited({ pods: '5', 'requests.cpu': '1' });
  const all = client.collection<Pod>(pods);
  await all.create(pod(namespace, 'a', '600m'));
  t.strictSame(await used(namespace), { pods: '1', 'requests.cpu': '600m' });
  await t.rejects(all.create(pod(namespace, 'b', '500m')), {
    code: 403,
    message:
      'pods "b" is forbidden: exceeded quota: limits, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
  });
  await t.rejects(all.create(pod(namespace, 'b')), {
    message: 'pods "b" is forbidden: failed quota: limits: must specify requests.cpu for: main',
  });
  t.strictSame(await used(namespace), { pods: '1', 'requests.cpu': '600m' });
  await all.delete({ namespace, name: 'a' });
  await usedIs(namespace, { pods: '0', 'requests.cpu': '0' });
  await all.create(pod(namespace, 'b', '1'));
});

t.test('a hundred at once get exactly what there is', async (t) => {
  const namespace = await limited({ configmaps: '10' });
  const all = client.collection<ConfigMap>(configMaps);
  const names = Array.from({ length: 100 }, (_, i) => `m${i}`);
  const outcomes = await Promise.allSettled(names.map((name) => all.create(map(namespace, name))));
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10);
  const refused = outcomes.filter((one) => one.status === 'rejected');
  t.ok(refused.every((one) => /exceeded quota: limits/.test(one.reason.message)));
  t.equal((await all.list({ namespace })).items.length, 10);
  t.strictSame(await used(namespace), { configmaps: '10' });
});

t.test('creations and deletions at once never go over, and end at the truth', async (t) => {
  const namespace = await limited({ 'count/configmaps': '5' });
  const all = client.collection<ConfigMap>(configMaps);
  let most = 0;
  const work = async (name: string) => {
    for (let i = 0; i < 10; i++) {
      try {
        await all.create(map(namespace, name));
      } catch {
        continue;
      }
      most = Math.max(most, (await all.list({ namespace })).items.length);
      await all.delete({ namespace, name });
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, i) => work(`w${i}`)));
  t.ok(most <= 5, `${most} at once`);
  await usedIs(namespace, { 'count/configmaps': '0' });
});

t.test('a name that is taken costs nothing', async (t) => {
  const namespace = await limited({ configmaps: '2' });
  const all = client.collection<ConfigMap>(configMaps);
  await all.create(map(namespace, 'a'));
  await t.rejects(all.create(map(namespace, 'a')), /already exists/);
  await usedIs(namespace, { configmaps: '1' });
  await all.create(map(namespace, 'b'));
  await t.rejects(all.create(map(namespace, 'c')), /exceeded quota/);
});

t.test('a larger quota counts from the next write on, a smaller one at once', async (t) => {
  const namespace = await limited({ configmaps: '1' });
  const all = client.collection<ConfigMap>(configMaps);
  await all.create(map(namespace, 'a'));
  await t.rejects(all.create(map(namespace, 'b')), /exceeded quota/);
  const name = 'limits';
  await quotas.patch({ namespace, name }, { spec: { hard: { configmaps: '3' } } }, 'merge');
  await all.create(map(namespace, 'b'));
  await quotas.patch({ namespace, name }, { spec: { hard: { configmaps: '1' } } }, 'merge');
  await t.rejects(all.create(map(namespace, 'c')), /used: configmaps=2, limited: configmaps=1/);
});

t.test('a pod that ends gives its share back', async (t) => {
  const namespace = await limited({ pods: '1' });
  const all = client.collection<Pod>(pods);
  await all.create(pod(namespace, 'a'));
  await t.rejects(all.create(pod(namespace, 'b')), /exceeded quota/);
  await all.patchStatus({ namespace, name: 'a' }, { status: { phase: 'Succeeded' } }, 'merge');
  await usedIs(namespace, { pods: '0' });
  await all.create(pod(namespace, 'b'));
});

t.test('a service that becomes more than it was needs room for that', async (t) => {
  const namespace = await limited({ services: '2', 'services.nodeports': '1' });
  const all = client.collection<Service>(services);
  const service = (name: string, kind: string): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: kind, ports: [{ port: 80 }] },
  });
  await all.create(service('a', 'NodePort'));
  await all.create(service('b', 'ClusterIP'));
  t.strictSame(await used(namespace), { services: '2', 'services.nodeports': '1' });
  await t.rejects(
    all.patch({ namespace, name: 'b' }, { spec: { type: 'NodePort' } }, 'merge'),
    /exceeded quota: limits, requested: services.nodeports=1/,
  );
  await all.patch({ namespace, name: 'a' }, { spec: { type: 'ClusterIP' } }, 'merge');
  await usedIs(namespace, { 'services.nodeports': '0' });
  await all.patch({ namespace, name: 'b' }, { spec: { type: 'NodePort' } }, 'merge');
});

t.test('scopes: a quota of best effort pods leaves the others alone', async (t) => {
  const namespace = await limited({ pods: '1' }, { scopes: ['BestEffort'] });
  const all = client.collection<Pod>(pods);
  await all.create(pod(namespace, 'a'));
  await all.create(pod(namespace, 'b', '1'));
  t.strictSame(await used(namespace), { pods: '1' });
  await t.rejects(all.create(pod(namespace, 'c')), /exceeded quota/);
});

t.test('a dry run counts and keeps nothing', async (t) => {
  const namespace = await limited({ configmaps: '1' });
  const url = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`;
  await client.request('POST', url, map(namespace, 'a'));
  await usedIs(namespace, { configmaps: '0' });
  await client.collection<ConfigMap>(configMaps).create(map(namespace, 'a'));
  await t.rejects(client.request('POST', url, map(namespace, 'b')), /exceeded quota/);
});
