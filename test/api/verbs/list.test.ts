import t from 'tap';
import { configMaps } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

// What is written before the server starts is before its history.
const storage = createMemoryStorage();
await storage.put('/registry/old', Buffer.from('{}'), { expectedRevision: 0 });
const server = await startTestServer(storage);
t.teardown(() => server.close());
const maps = server.client().collection<ConfigMap>(configMaps);
for (let at = 0; at < 10; at++) {
  const labels = { parity: at % 2 === 0 ? 'even' : 'odd' };
  const object = configMap(`m${at}`);
  await maps.create({ ...object, metadata: { ...object.metadata, labels } });
}
const names = (items: readonly ConfigMap[]) => items.map((item) => item.metadata.name);
const path = '/api/v1/namespaces/default/configmaps';
const get = (query: string) => raw(server, 'GET', `${path}?${query}`);

t.test('a list is in the order of names, with the version of the whole', async (t) => {
  const { items, resourceVersion } = await maps.list({ namespace: 'default' });
  t.strictSame(names(items), ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
  t.ok(items.every((item) => Number(item.metadata.resourceVersion) <= Number(resourceVersion)));
  t.strictSame((await maps.list({ namespace: 'kube-system' })).items, []);
});

t.test('all pages of a list are of one state, whatever is written meanwhile', async (t) => {
  const first = await maps.list({ namespace: 'default', limit: 4 });
  t.strictSame(names(first.items), ['m0', 'm1', 'm2', 'm3']);
  await maps.create(configMap('m45'));
  await maps.delete({ namespace: 'default', name: 'm6' });
  const rest: string[] = [];
  let token = first.continue;
  while (token !== undefined) {
    const page = await maps.list({ namespace: 'default', limit: 4, continue: token });
    t.equal(page.resourceVersion, first.resourceVersion);
    rest.push(...names(page.items));
    token = page.continue;
  }
  t.strictSame(rest, ['m4', 'm5', 'm6', 'm7', 'm8', 'm9']);
  await maps.delete({ namespace: 'default', name: 'm45' });
  await maps.create(configMap('m6'));
});

t.test('a page tells how many objects are left, unless there is a selector', async (t) => {
  const plain = await get('limit=3');
  t.equal(plain.json.metadata.remainingItemCount, 7);
  const selected = await get('limit=2&labelSelector=parity%3Dodd');
  t.equal(selected.json.items.length, 2);
  t.ok(selected.json.metadata.continue);
  t.notOk('remainingItemCount' in selected.json.metadata);
});

t.test('pages are the same from ready-made bytes and one by one', async (t) => {
  const inOrder = await get('');
  for (const limit of [1, 3, 9, 10, 11]) {
    const items: unknown[] = [];
    let token = '';
    do {
      const { json } = await get(`limit=${limit}&continue=${token}`);
      t.equal(json.metadata.remainingItemCount ?? 0, 10 - items.length - json.items.length);
      items.push(...json.items);
      token = encodeURIComponent(json.metadata.continue ?? '');
    } while (token !== '');
    t.strictSame(items, inOrder.json.items, `${limit} a page`);
  }
});

t.test('selectors choose by labels and by fields', async (t) => {
  const odd = await maps.list({ namespace: 'default', labelSelector: 'parity in (odd)' });
  t.strictSame(names(odd.items), ['m1', 'm3', 'm5', 'm7', 'm9']);
  const one = await maps.list({ namespace: 'default', fieldSelector: 'metadata.name=m3' });
  t.strictSame(names(one.items), ['m3']);
  const across = await maps.list({ fieldSelector: 'metadata.namespace!=default' });
  t.strictSame(names(across.items), []);
});

t.test('selectors that make no sense are refused', async (t) => {
  t.equal((await get('labelSelector=a%20in%20(b')).status, 400);
  const unknown = await get('fieldSelector=data.x%3D1');
  t.equal(unknown.status, 400);
  t.match(unknown.json.message, /field label not supported: data.x/);
});

t.test('an exact version is the state of that version', async (t) => {
  const { resourceVersion } = await maps.list({ namespace: 'default' });
  await maps.create(configMap('later'));
  const then = await get(`resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`);
  t.equal(then.json.metadata.resourceVersion, resourceVersion);
  t.notOk(names(then.json.items).includes('later'));
  const since = await get(`resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`);
  t.ok(names(since.json.items).includes('later'));
  await maps.delete({ namespace: 'default', name: 'later' });
});

t.test('a version that does not exist yet is a timeout that asks to try again', async (t) => {
  const answer = await get('resourceVersion=1000000');
  t.equal(answer.status, 504);
  t.equal(answer.json.details.causes[0].reason, 'ResourceVersionTooLarge');
  t.equal(answer.headers['retry-after'], '1');
});

t.test('combinations that Kubernetes forbids are refused', async (t) => {
  t.equal((await get('resourceVersionMatch=Exact')).status, 422);
  t.equal((await get('resourceVersion=0&resourceVersionMatch=Exact')).status, 422);
  t.equal((await get('resourceVersion=x')).status, 400);
  t.equal((await get('continue=nonsense')).status, 400);
  const { continue: token = '' } = await maps.list({ namespace: 'default', limit: 2 });
  t.equal((await get(`limit=2&resourceVersion=5&continue=${token}`)).status, 400);
});

t.test('a page of a forgotten state is 410 with a token to go on', async (t) => {
  const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start: 'm4\0' })).toString(
    'base64url',
  );
  const answer = await get(`limit=100&continue=${token}`);
  t.equal(answer.status, 410);
  t.equal(answer.json.reason, 'Expired');
  const rest = await get(`limit=100&continue=${answer.json.metadata.continue}`);
  t.strictSame(names(rest.json.items), ['m5', 'm6', 'm7', 'm8', 'm9']);
});

t.test('lists come as tables and as metadata alone', async (t) => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const table = await raw(server, 'GET', path, { headers: { accept } });
  t.equal(table.json.kind, 'Table');
  t.strictSame(table.json.rows[0].cells.slice(0, 2), ['m0', 0]);
  t.equal(table.json.rows[0].object.kind, 'PartialObjectMetadata');
  const partial = await maps.list({ namespace: 'default', metadataOnly: true });
  t.notOk('data' in (partial.items[0] ?? {}));
  t.equal(partial.items[0]?.metadata.name, 'm0');
});
