import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { customResourceDefinitions as definitions } from '#api/resources/resource-types.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { widgetDefinition } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

interface Widget extends ApiObject {
  spec: { size?: number; colour?: string; replicas?: number };
  status?: { phase?: string; replicas?: number };
}

const widgets: ResourceType = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};
const widget = (name: string, spec: Widget['spec'] = { size: 2 }): Widget => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec,
});
const ref = (name: string) => ({ namespace: 'default', name });

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const all = client.collection<Widget>(widgets);
const crds = client.collection<CustomResourceDefinition>(definitions);

t.test('a definition is served as soon as it is created', async (t) => {
  await t.rejects(all.list(), /could not find the requested resource/);
  const made = await crds.create(widgetDefinition());
  const conditions = made.status?.conditions?.map(({ type, status }) => [type, status]);
  t.strictSame(conditions, [
    ['NamesAccepted', 'True'],
    ['Established', 'True'],
  ]);
  t.strictSame((await all.list()).items, []);
  const discovery = await raw(server, 'GET', '/apis/example.com/v1');
  t.strictSame(
    discovery.json.resources.map((resource: { name: string }) => resource.name),
    ['widgets', 'widgets/status', 'widgets/scale'],
  );
});

t.test('custom objects are checked, pruned and counted', async (t) => {
  const made = await all.create(widget('a', { size: 2, shape: 'round' } as Widget['spec']));
  t.strictSame(made.spec, { size: 2 });
  t.equal(made.metadata.generation, 1);
  await t.rejects(all.create(widget('b', { size: 0 })), /should be greater than or equal to 1/);
  const typed = widget('b', { size: 'two' as unknown as number });
  await t.rejects(all.create(typed), /spec.size/);
  const patched = await all.patch(ref('a'), { spec: { size: 3 } }, 'merge');
  t.equal(patched.metadata.generation, 2);
  await t.rejects(all.patch(ref('a'), { spec: { size: 4 } }, 'strategic'), /unknown format/);
});

t.test('status and scale of custom objects are apart', async (t) => {
  await all.create({ ...widget('s', { size: 1, replicas: 2 }), status: { phase: 'Early' } });
  t.notOk((await all.get(ref('s'))).status);
  await all.patchStatus(ref('s'), { status: { phase: 'Ready', replicas: 1 } }, 'merge');
  const path = '/apis/example.com/v1/namespaces/default/widgets/s/scale';
  const scale = await raw(server, 'GET', path);
  t.match(scale.json, { spec: { replicas: 2 }, status: { replicas: 1 } });
  await raw(server, 'PUT', path, { body: { ...scale.json, spec: { replicas: 5 } } });
  t.equal((await all.get(ref('s'))).spec.replicas, 5);
});

t.test('custom objects come as tables with the columns of their definition', async (t) => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const path = '/apis/example.com/v1/namespaces/default/widgets/a';
  const table = await raw(server, 'GET', path, { headers: { accept } });
  t.strictSame(table.json.rows[0].cells, ['a', 3]);
});

t.test('a second version of a kind shows the same objects', async (t) => {
  const current = await crds.get({ name: 'widgets.example.com' });
  const [first] = current.spec.versions;
  if (first === undefined) throw new Error('no version');
  const second = { ...first, name: 'v2', storage: false };
  await crds.update({ ...current, spec: { ...current.spec, versions: [first, second] } });
  const newer = client.collection<Widget>({ ...widgets, version: 'v2' });
  t.equal((await newer.get(ref('a'))).apiVersion, 'example.com/v2');
  const { items } = await newer.list();
  t.ok(items.every((item) => item.apiVersion === 'example.com/v2'));
  await newer.patch(ref('a'), { spec: { colour: 'red' } }, 'merge');
  const older = await all.get(ref('a'));
  t.equal(older.apiVersion, 'example.com/v1');
  t.equal(older.spec.colour, 'red');
});

t.test('names that another kind has are not accepted', async (t) => {
  const definition = widgetDefinition();
  definition.metadata.name = 'gadgets.example.com';
  definition.spec.names = { plural: 'gadgets', kind: 'Widget' };
  const made = await crds.create(definition);
  t.match(made.status?.conditions?.[0], { type: 'NamesAccepted', status: 'False' });
  t.equal((await raw(server, 'GET', '/apis/example.com/v1/gadgets')).status, 404);
  await crds.delete({ name: 'gadgets.example.com' });
});

t.test('deleting a definition deletes its objects first', async (t) => {
  await all.patch(ref('a'), { metadata: { finalizers: ['example.com/wait'] } }, 'merge');
  await crds.delete({ name: 'widgets.example.com' });
  const going = await crds.get({ name: 'widgets.example.com' });
  t.ok(going.metadata.deletionTimestamp);
  const left = await all.list();
  t.ok(left.items.every((item) => item.metadata.deletionTimestamp !== undefined));
  const gone = new Promise<void>((resolve) => {
    const { resourceVersion = '' } = going.metadata;
    const subscription = crds.watch({ resourceVersion }).subscribe((event) => {
      if (event.type !== 'DELETED') return;
      subscription.unsubscribe();
      resolve();
    });
  });
  await all.patch(ref('a'), { metadata: { finalizers: null } }, 'merge');
  await gone;
  await t.rejects(all.list(), /could not find the requested resource/);
});
