/** `[sig-api-machinery]`: pages of lists, watches. */
import t from 'tap';
import { startApi } from './client.ts';

// Forgets its history every second instead of every five minutes.
const api = await startApi({ compactionIntervalMs: 1000 });
t.teardown(() => api.server.close());

const templates = '/api/v1/namespaces/default/podtemplates';
const templateCount = 40;
const name = (n: number) => `template-${String(n).padStart(4, '0')}`;

t.test('Servers with support for API chunking', async (t) => {
  for (let n = 0; n < templateCount; n++) {
    const spec = { containers: [{ name: 'test', image: 'test2' }] };
    const body = { metadata: { name: name(n) }, template: { spec } };
    t.equal(
      (await api.post(templates, { apiVersion: 'v1', kind: 'PodTemplate', ...body })).status,
      201,
    );
  }
  const page = async (query: string) => (await api.get(`${templates}?limit=17&${query}`)).json;

  t.test('should return chunks of results for list calls', async (t) => {
    const seen: string[] = [];
    let token = '';
    let version = '';
    do {
      const { metadata, items } = await page(`continue=${token}`);
      version ||= metadata.resourceVersion;
      t.equal(metadata.resourceVersion, version);
      seen.push(...items.map((item: { metadata: { name: string } }) => item.metadata.name));
      token = metadata.continue ?? '';
      const left = templateCount - seen.length;
      t.equal(metadata.remainingItemCount ?? 0, left);
    } while (token !== '');
    t.strictSame(
      seen,
      Array.from({ length: templateCount }, (_, n) => name(n)),
    );
  });

  t.test(
    'should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent',
    async (t) => {
      const first = await page('');
      const token = first.metadata.continue;
      const deadline = Date.now() + 60_000;
      let expired = await page(`continue=${token}`);
      for (let n = 0; expired.code !== 410 && Date.now() < deadline; n++) {
        await api.patch(`${templates}/${name(0)}`, { metadata: { labels: { seen: `${n}` } } });
        expired = await page(`continue=${token}`);
      }
      t.match(expired, { code: 410, reason: 'Expired', metadata: { continue: /./ } });
      const rest = await page(`continue=${expired.metadata.continue}`);
      t.not(rest.metadata.resourceVersion, first.metadata.resourceVersion);
      t.equal(rest.items[0].metadata.name, name(17));
      const last = await page(`continue=${rest.metadata.continue}`);
      t.equal(last.items.length, templateCount - 2 * 17);
      t.equal(last.metadata.resourceVersion, rest.metadata.resourceVersion);
    },
  );
});

const maps = '/api/v1/namespaces/default/configmaps';
const map = (mapName: string, labels = {}, data = {}) =>
  api.post(maps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: mapName, labels },
    data,
  });
const seen = (events: [string, { metadata: { name: string }; data?: object }][]) =>
  events.map(([type, object]) => [type, object.metadata.name, object.data ?? {}]);

t.test(
  'Watchers should observe add, update, and delete watch notifications on configmaps',
  async (t) => {
    const { json } = await map('a', { group: 'add' });
    await api.patch(`${maps}/a`, { data: { mutation: '1' } });
    await api.delete(`${maps}/a`);
    const before = Number(json.metadata.resourceVersion) - 1;
    const events = await api.watch(maps, `resourceVersion=${before}&labelSelector=group%3Dadd`);
    t.strictSame(seen(events), [
      ['ADDED', 'a', {}],
      ['MODIFIED', 'a', { mutation: '1' }],
      ['DELETED', 'a', { mutation: '1' }],
    ]);
  },
);

t.test('Watchers should be able to start watching from a specific resource version', async (t) => {
  await map('b');
  const first = (await api.patch(`${maps}/b`, { data: { mutation: '1' } })).json;
  await api.patch(`${maps}/b`, { data: { mutation: '2' } });
  await api.delete(`${maps}/b`);
  const events = await api.watch(maps, `resourceVersion=${first.metadata.resourceVersion}`);
  t.strictSame(seen(events), [
    ['MODIFIED', 'b', { mutation: '2' }],
    ['DELETED', 'b', { mutation: '2' }],
  ]);
});

t.test(
  'Watchers should be able to restart watching from the last resource version observed by the previous watch',
  async (t) => {
    const { json } = await map('c');
    const before = Number(json.metadata.resourceVersion) - 1;
    const [[, added] = []] = await api.watch(maps, `resourceVersion=${before}`);
    await api.patch(`${maps}/c`, { data: { mutation: '2' } });
    await api.delete(`${maps}/c`);
    const events = await api.watch(maps, `resourceVersion=${added.metadata.resourceVersion}`);
    t.strictSame(
      events.map(([type]) => type),
      ['MODIFIED', 'DELETED'],
    );
  },
);

t.test(
  'Watchers should observe an object deletion if it stops meeting the requirements of the selector',
  async (t) => {
    const { json } = await map('d', { group: 'in' });
    await api.patch(`${maps}/d`, { metadata: { labels: { group: 'out' } } });
    await api.patch(`${maps}/d`, { data: { unseen: '1' } });
    await api.patch(`${maps}/d`, { metadata: { labels: { group: 'in' } } });
    await api.delete(`${maps}/d`);
    const before = Number(json.metadata.resourceVersion) - 1;
    const events = await api.watch(maps, `resourceVersion=${before}&labelSelector=group%3Din`);
    t.strictSame(
      events.map(([type, object]) => [type, object.metadata.labels.group]),
      [
        ['ADDED', 'in'],
        ['DELETED', 'in'],
        ['ADDED', 'in'],
        ['DELETED', 'in'],
      ],
    );
  },
);

t.test('Watchers should receive events on concurrent watches in same order', async (t) => {
  const { json } = await map('e');
  const from = json.metadata.resourceVersion;
  const watches = Array.from({ length: 5 }, () => api.watch(maps, `resourceVersion=${from}`));
  for (let n = 0; n < 20; n++) await api.patch(`${maps}/e`, { data: { n: `${n}` } });
  const all = await Promise.all(watches);
  const versions = all.map((events) => events.map(([, { metadata }]) => metadata.resourceVersion));
  for (const each of versions) t.strictSame(each, versions[0]);
  t.equal(versions[0]?.length, 20);
});
