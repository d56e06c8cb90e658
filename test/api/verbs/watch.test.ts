import t from 'tap';
import type { ApiEvent, WatchOptions } from '#api/client/collection.ts';
import { configMaps } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const storage = createMemoryStorage();
await storage.put('/registry/old', Buffer.from('{}'), { expectedRevision: 0 });
const server = await startTestServer(storage);
t.teardown(() => server.close());
const maps = server.client().collection<ConfigMap>(configMaps);
const path = '/api/v1/namespaces/default/configmaps';

const summary = (event: ApiEvent<ConfigMap>) =>
  event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`;

/** Resolves with the first `count` events as soon as they are there, and stops watching. */
function take(count: number, options: WatchOptions): Promise<ApiEvent<ConfigMap>[]> {
  return new Promise((resolve, reject) => {
    const seen: ApiEvent<ConfigMap>[] = [];
    const subscription = maps.watch({ namespace: 'default', ...options }).subscribe({
      next: (event) => {
        seen.push(event);
        if (seen.length < count) return;
        subscription.unsubscribe();
        resolve(seen);
      },
      error: reject,
      complete: () => resolve(seen),
    });
  });
}

const version = async () => (await maps.list()).resourceVersion;
const ref = (name: string) => ({ namespace: 'default', name });

t.test('a watch without a version starts with what is there', async (t) => {
  await maps.create(configMap('a'));
  const events = take(2, {});
  await maps.create(configMap('b'));
  t.strictSame((await events).map(summary), ['ADDED a', 'ADDED b']);
  await Promise.all(['a', 'b'].map((name) => maps.delete(ref(name))));
});

t.test('a watch from a version tells every change after it, in order', async (t) => {
  const resourceVersion = await version();
  await maps.create(configMap('a'));
  await maps.patch(ref('a'), { data: { x: '1' } }, 'merge');
  const events = take(3, { resourceVersion });
  await maps.delete(ref('a'));
  const seen = await events;
  t.strictSame(seen.map(summary), ['ADDED a', 'MODIFIED a', 'DELETED a']);
  const last = seen[2];
  const deleted = last?.type === 'DELETED' ? last.object : undefined;
  t.strictSame(deleted?.data, { x: '1' });
  t.equal(deleted?.metadata.resourceVersion, await version());
});

t.test('a selector turns changes into coming and going', async (t) => {
  const resourceVersion = await version();
  await maps.create(configMap('a'));
  await maps.patch(ref('a'), { metadata: { labels: { app: 'web' } } }, 'merge');
  await maps.patch(ref('a'), { data: { x: '1' } }, 'merge');
  await maps.patch(ref('a'), { metadata: { labels: null } }, 'merge');
  await maps.delete(ref('a'));
  await maps.create({ ...configMap('b'), metadata: { ...ref('b'), labels: { app: 'web' } } });
  const seen = await take(4, { resourceVersion, labelSelector: 'app=web' });
  t.strictSame(seen.map(summary), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b']);
  await maps.delete(ref('b'));
});

t.test('a watch of one name sees that object alone', async (t) => {
  const resourceVersion = await version();
  await maps.create(configMap('a'));
  await maps.create(configMap('b'));
  await maps.delete(ref('a'));
  const seen = await take(2, { resourceVersion, fieldSelector: 'metadata.name=a' });
  t.strictSame(seen.map(summary), ['ADDED a', 'DELETED a']);
  await maps.delete(ref('b'));
});

t.test('two watches see the same events in the same order', async (t) => {
  const resourceVersion = await version();
  const both = [take(20, { resourceVersion }), take(20, { resourceVersion })];
  await Promise.all(Array.from({ length: 20 }, (_, at) => maps.create(configMap(`many-${at}`))));
  const [one, other] = await Promise.all(both);
  t.strictSame(one?.map(summary), other?.map(summary));
  await raw(server, 'DELETE', path);
});

t.test('a watch ends when its time is over, with a bookmark if it takes them', async (t) => {
  const resourceVersion = await version();
  const seen = await take(5, { resourceVersion, timeoutSeconds: 1, bookmarks: true });
  t.strictSame(seen, [{ type: 'BOOKMARK', resourceVersion }]);
  t.strictSame(await take(5, { resourceVersion, timeoutSeconds: 1 }), []);
});

t.test('a streamed list ends with an annotated bookmark', async (t) => {
  await maps.create(configMap('a'));
  const answer = await raw(
    server,
    'GET',
    `${path}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1`,
  );
  const [first, second] = answer.text.split('\n').map((line) => line && JSON.parse(line));
  t.equal(first.type, 'ADDED');
  t.equal(second.type, 'BOOKMARK');
  t.equal(second.object.kind, 'ConfigMap');
  t.strictSame(second.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  t.equal((await raw(server, 'GET', `${path}?watch=true&sendInitialEvents=true`)).status, 422);
  await maps.delete(ref('a'));
});

t.test('a version that is no longer known is an Expired event', async (t) => {
  const answer = await raw(server, 'GET', `${path}?watch=true&resourceVersion=1`);
  t.equal(answer.status, 200);
  const event = JSON.parse(answer.text);
  t.equal(event.type, 'ERROR');
  t.equal(event.object.code, 410);
  t.equal(event.object.reason, 'Expired');
  await t.rejects(take(1, { resourceVersion: '1' }), /too old resource version/);
});

t.test('the older paths of watches work', async (t) => {
  await maps.create(configMap('a'));
  const get = (end: string) =>
    raw(server, 'GET', `/api/v1/watch/namespaces/default/${end}?timeoutSeconds=1`);
  const answers = await Promise.all([get('configmaps'), get('configmaps/a')]);
  for (const { text } of answers) t.equal(JSON.parse(text).object.metadata.name, 'a');
  await maps.delete(ref('a'));
});

t.test('events come as tables, the columns with the first alone', async (t) => {
  const since = await version();
  await maps.create(configMap('a', { x: '1' }));
  await maps.delete(ref('a'));
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const query = `watch=true&resourceVersion=${since}&timeoutSeconds=1`;
  const answer = await raw(server, 'GET', `${path}?${query}`, { headers: { accept } });
  const [first, second] = answer.text.split('\n').map((line) => line && JSON.parse(line));
  t.equal(first.object.kind, 'Table');
  t.strictSame(first.object.rows[0].cells.slice(0, 2), ['a', 1]);
  t.ok(first.object.columnDefinitions.length > 0);
  t.equal(second.type, 'DELETED');
  t.notOk(second.object.columnDefinitions);
});

t.test('with very many watches each still gets every event, in order', async (t) => {
  const resourceVersion = await version();
  const watches = Array.from({ length: 120 }, () =>
    take(12, { resourceVersion, fieldSelector: 'metadata.name=busy' }),
  );
  await maps.create(configMap('busy'));
  for (let n = 1; n <= 10; n++) await maps.patch(ref('busy'), { data: { n: `${n}` } }, 'merge');
  await maps.delete(ref('busy'));
  const seen = await Promise.all(watches);
  const told = (event: ApiEvent<ConfigMap>) =>
    event.type === 'BOOKMARK' ? '' : `${event.type} ${event.object.data?.['n'] ?? ''}`;
  const wanted = [
    'ADDED ',
    ...Array.from({ length: 10 }, (_, n) => `MODIFIED ${n + 1}`),
    'DELETED 10',
  ];
  t.ok(seen.every((events) => JSON.stringify(events.map(told)) === JSON.stringify(wanted)));
});
