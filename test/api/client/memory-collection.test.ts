import t from 'tap';
import type { ApiEvent } from '#api/client/collection.ts';
import { configMaps, pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { ConfigMap, Pod } from '#api/resources/types.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

t.test('an update with an old resourceVersion is a conflict', async (t) => {
  const maps = memoryApi().collection<ConfigMap>(configMaps);
  const first = await maps.create(configMap('a'));
  await maps.update({ ...first, data: { x: '1' } });
  const again = maps.update({ ...first, data: { x: '2' } });
  await t.rejects(again, /has been modified/);
});

t.test('an object with finalizers lives on until the last is removed', async (t) => {
  const maps = memoryApi().collection<ConfigMap>(configMaps);
  const object = configMap('a');
  object.metadata.finalizers = ['example.com/wait'];
  await maps.create(object);
  const ref = { namespace: 'default', name: 'a' };
  await maps.delete(ref);
  const dying = await maps.get(ref);
  t.ok(dying.metadata.deletionTimestamp);
  await maps.patch(ref, { metadata: { finalizers: null } }, 'merge');
  await t.rejects(maps.get(ref), /not found/);
});

t.test('a watch with a selector sees objects enter and leave', async (t) => {
  const maps = memoryApi().collection<ConfigMap>(configMaps);
  const seen: string[] = [];
  const record = (event: ApiEvent<ConfigMap>) =>
    event.type !== 'BOOKMARK' && seen.push(`${event.type} ${event.object.metadata.name}`);
  const subscription = maps.watch({ labelSelector: 'app=web' }).subscribe(record);
  await maps.create(configMap('a'));
  const ref = { namespace: 'default', name: 'a' };
  await maps.patch(ref, { metadata: { labels: { app: 'web' } } }, 'merge');
  await maps.patch(ref, { data: { x: '1' } }, 'merge');
  await maps.patch(ref, { metadata: { labels: { app: null } } }, 'merge');
  await settle();
  subscription.unsubscribe();
  t.strictSame(seen, ['ADDED a', 'MODIFIED a', 'DELETED a']);
});

t.test('a watch from a forgotten version fails with Expired', async (t) => {
  const api = memoryApi();
  const maps = api.collection<ConfigMap>(configMaps);
  await maps.create(configMap('a'));
  await maps.create(configMap('b'));
  api.store.compact();
  const error = await new Promise((resolve) =>
    maps.watch({ resourceVersion: '1' }).subscribe({ error: resolve }),
  );
  t.ok(hasReason(error, 'Expired'));
});

t.test('a bound pod is deleted gracefully, an unbound one at once', async (t) => {
  const api = memoryApi();
  const collection = api.collection<Pod>(pods);
  const pod = (name: string): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'busybox' }] },
  });
  await collection.create(pod('free'));
  await collection.create(pod('bound'));
  const bound = { namespace: 'default', name: 'bound' };
  await collection.createSubresource(bound, 'binding', { target: { name: 'n1' } });
  await collection.delete({ namespace: 'default', name: 'free' });
  await collection.delete(bound);
  const left = await collection.list();
  t.strictSame(
    left.items.map((item) => [item.metadata.name, item.metadata.deletionGracePeriodSeconds]),
    [['bound', 30]],
  );
  await collection.delete(bound, { gracePeriodSeconds: 0 });
  t.equal((await collection.list()).items.length, 0);
});

t.test('generation grows with the spec and not with status or labels', async (t) => {
  const collection = memoryApi().collection<Pod>(pods);
  const ref = { namespace: 'default', name: 'p' };
  await collection.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: ref,
    spec: { containers: [] },
  });
  await collection.patch(ref, { metadata: { labels: { a: 'b' } } }, 'merge');
  const status = await collection.patchStatus(ref, { status: { phase: 'Running' } }, 'merge');
  t.equal(status.metadata.generation, 1);
  const spec = await collection.patch(ref, { spec: { hostname: 'h' } }, 'strategic');
  t.equal(spec.metadata.generation, 2);
  t.equal(spec.status?.phase, 'Running');
});
