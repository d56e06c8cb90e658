import t from 'tap';
import type { DeleteOptions } from '#api/client/collection.ts';
import { configMaps, namespaces, pods } from '#api/resources/resource-types.ts';
import type { ConfigMap, Namespace, Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const maps = client.collection<ConfigMap>(configMaps);
const allPods = client.collection<Pod>(pods);
const ref = (name: string) => ({ namespace: 'default', name });

async function runningPod(name: string): Promise<Pod> {
  await allPods.create(pod(name));
  await allPods.createSubresource(ref(name), 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name },
    target: { kind: 'Node', name: 'n1' },
  });
  return allPods.get(ref(name));
}

t.test('a deletion answers with a Status that names what is gone', async (t) => {
  const { metadata } = await maps.create(configMap('a'));
  const answer = await raw(server, 'DELETE', '/api/v1/namespaces/default/configmaps/a');
  t.equal(answer.status, 200);
  t.match(answer.json, {
    kind: 'Status',
    status: 'Success',
    details: { name: 'a', uid: metadata.uid },
  });
  await t.rejects(maps.delete(ref('a')), /configmaps "a" not found/);
});

t.test('finalizers hold an object until the last is removed', async (t) => {
  const held = {
    ...configMap('held'),
    metadata: { ...ref('held'), finalizers: ['example.com/a'] },
  };
  await maps.create(held);
  await maps.delete(ref('held'));
  const going = await maps.get(ref('held'));
  t.ok(going.metadata.deletionTimestamp);
  await maps.delete(ref('held'));
  const add = { metadata: { finalizers: ['example.com/a', 'example.com/b'] } };
  await t.rejects(maps.patch(ref('held'), add, 'merge'), /no new finalizers can be added/);
  await maps.patch(ref('held'), { metadata: { finalizers: null } }, 'merge');
  await t.rejects(maps.get(ref('held')), /not found/);
});

t.test('preconditions spare another object of the same name', async (t) => {
  await maps.create(configMap('guarded'));
  const other: DeleteOptions = { preconditions: { uid: 'another' } };
  await t.rejects(maps.delete(ref('guarded'), other), /Precondition failed: UID/);
  t.ok(await maps.get(ref('guarded')));
});

t.test('a running pod gets its grace period, which can only become shorter', async (t) => {
  await runningPod('graceful');
  await allPods.delete(ref('graceful'));
  const first = await allPods.get(ref('graceful'));
  t.equal(first.metadata.deletionGracePeriodSeconds, 30);
  await allPods.delete(ref('graceful'), { gracePeriodSeconds: 60 });
  t.equal((await allPods.get(ref('graceful'))).metadata.deletionGracePeriodSeconds, 30);
  await allPods.delete(ref('graceful'), { gracePeriodSeconds: 5 });
  t.equal((await allPods.get(ref('graceful'))).metadata.deletionGracePeriodSeconds, 5);
  await allPods.delete(ref('graceful'), { gracePeriodSeconds: 0 });
  await t.rejects(allPods.get(ref('graceful')), /not found/);
});

t.test('a pod that no node runs is gone at once', async (t) => {
  await allPods.create(pod('unbound'));
  await allPods.delete(ref('unbound'));
  await t.rejects(allPods.get(ref('unbound')), /not found/);
});

t.test('the propagation policy becomes a finalizer', async (t) => {
  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const) {
    await maps.create(configMap(finalizer.toLowerCase()));
    await maps.delete(ref(finalizer.toLowerCase()), { propagationPolicy: policy });
    const going = await maps.get(ref(finalizer.toLowerCase()));
    t.strictSame(going.metadata.finalizers, [finalizer]);
  }
  const wrong = { body: { propagationPolicy: 'Sideways' } };
  const path = '/api/v1/namespaces/default/configmaps/orphan';
  t.equal((await raw(server, 'DELETE', path, wrong)).status, 422);
});

t.test('a namespace waits for its finalizer, and the system ones stay', async (t) => {
  const all = client.collection<Namespace>(namespaces);
  await all.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'short' } });
  await all.delete({ name: 'short' });
  const going = await all.get({ name: 'short' });
  t.equal(going.status?.phase, 'Terminating');
  const path = '/api/v1/namespaces/short/finalize';
  const answer = await raw(server, 'PUT', path, { body: { ...going, spec: { finalizers: [] } } });
  t.equal(answer.status, 200);
  await t.rejects(all.get({ name: 'short' }), /not found/);
  await t.rejects(all.delete({ name: 'default' }), /this namespace may not be deleted/);
});

t.test('a collection is deleted by selector, each object by its own rules', async (t) => {
  const labels = { app: 'gone' };
  for (const name of ['c1', 'c2']) {
    await maps.create({ ...configMap(name), metadata: { ...ref(name), labels } });
  }
  await maps.create({
    ...configMap('c3'),
    metadata: { ...ref('c3'), labels, finalizers: ['example.com/a'] },
  });
  await maps.create(configMap('kept'));
  const path = '/api/v1/namespaces/default/configmaps';
  const answer = await raw(server, 'DELETE', `${path}?labelSelector=app%3Dgone`);
  t.equal(answer.json.items.length, 3);
  const left = await maps.list({ namespace: 'default', labelSelector: 'app=gone' });
  t.strictSame(
    left.items.map((item) => item.metadata.name),
    ['c3'],
  );
  t.ok(await maps.get(ref('kept')));
});

t.test('a dry run deletes nothing', async (t) => {
  await maps.create(configMap('dry'));
  await raw(server, 'DELETE', '/api/v1/namespaces/default/configmaps/dry?dryRun=All');
  t.ok(await maps.get(ref('dry')));
});
