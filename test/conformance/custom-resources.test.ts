/** `[sig-api-machinery] CustomResourceDefinition…`: definitions, what they publish, what their objects become. */
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const preserve = { 'x-kubernetes-preserve-unknown-fields': true };
const string = { type: 'string' };

let count = 0;
interface Made {
  readonly name: string;
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  /** Of the first version. */
  readonly objects: string;
  document(version: string): string;
}

/** A definition with these versions, all of one schema. */
async function define(
  schema: object,
  { versions = ['v1'], group = `g${count}.example.com`, labels = {}, more = {} } = {},
): Promise<Made> {
  const plural = `foos${count++}`;
  const kind = `Foo${count}`;
  const name = `${plural}.${group}`;
  const made = await api.post(definitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name, labels },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural, kind },
      versions: versions.map((version, index) => ({
        name: version,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: schema },
        ...more,
      })),
    },
  });
  if (made.status !== 201) throw new Error(made.text);
  const reversed = group.split('.').reverse().join('.');
  return {
    name,
    group,
    plural,
    kind,
    objects: `/apis/${group}/${versions[0]}/${plural}`,
    document: (version) => `${reversed}.${version}.${kind}`,
  };
}

const object = ({ group, kind }: Made, name: string, more = {}, version = 'v1') => ({
  apiVersion: `${group}/${version}`,
  kind,
  metadata: { name },
  ...more,
});
const published = async () => (await api.get('/openapi/v2')).json.definitions;

t.test(
  'Simple CustomResourceDefinition creating/deleting custom resource definition objects works',
  async (t) => {
    const { name } = await define({ type: 'object' });
    t.equal((await api.delete(`${definitions}/${name}`)).status, 200);
    const deadline = Date.now() + 60_000;
    while ((await api.get(`${definitions}/${name}`)).status !== 404 && Date.now() < deadline);
    t.equal((await api.get(`${definitions}/${name}`)).status, 404);
  },
);

t.test(
  'Simple CustomResourceDefinition listing custom resource definition objects works',
  async (t) => {
    const labels = { 'e2e-list-test-uuid': 'u1' };
    for (let n = 0; n < 3; n++) await define({ type: 'object' }, { labels });
    const other = await define({ type: 'object' });
    const selector = 'labelSelector=e2e-list-test-uuid%3Du1';
    t.equal((await api.get(`${definitions}?${selector}`)).json.items.length, 3);
    t.equal((await api.delete(`${definitions}?${selector}`)).status, 200);
    t.equal((await api.get(`${definitions}/${other.name}`)).status, 200);
  },
);

t.test(
  'Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works',
  async (t) => {
    const { name } = await define({ type: 'object' });
    const { json } = await api.get(`${definitions}/${name}/status`);
    json.status.conditions.push({ message: 'updated' });
    const updated = await api.put(`${definitions}/${name}/status`, json);
    t.equal(updated.status, 200, updated.text);
    t.equal(updated.json.status.conditions.at(-1).message, 'updated');
    const operation = { op: 'add', path: '/status/conditions', value: [{ message: 'patched' }] };
    const patched = await api.patch(`${definitions}/${name}/status`, [operation], 'json');
    t.match(patched.json.status.conditions, [{ message: 'patched' }]);
  },
);

t.test('custom resource defaulting for requests and from storage works', async (t) => {
  const kind = await define({ type: 'object', properties: { a: string, b: string } });
  await api.post(kind.objects, object(kind, 'cr-1'));
  const path = '/spec/versions/0/schema/openAPIV3Schema/properties';
  const patch = (...operations: object[]) =>
    api.patch(`${definitions}/${kind.name}`, operations, 'json');
  await patch({ op: 'add', path: `${path}/a/default`, value: 'A' });
  t.equal((await api.get(`${kind.objects}/cr-1`)).json.a, 'A');
  t.equal((await api.post(kind.objects, object(kind, 'cr-2'))).json.a, 'A');
  await patch(
    { op: 'remove', path: `${path}/a/default` },
    { op: 'add', path: `${path}/b/default`, value: 'B' },
  );
  t.match((await api.get(`${kind.objects}/cr-2`)).json, { a: 'A', b: 'B' });
});

t.test('should include custom resource definition resources in discovery documents', async (t) => {
  const groups = (await api.get('/apis')).json.groups;
  t.ok(groups.some(({ name }: { name: string }) => name === 'apiextensions.k8s.io'));
  t.match((await api.get('/apis/apiextensions.k8s.io')).json.versions, [{ version: 'v1' }]);
  const { resources } = (await api.get('/apis/apiextensions.k8s.io/v1')).json;
  t.ok(resources.some(({ name }: { name: string }) => name === 'customresourcedefinitions'));
});

t.test('CustomResourceDefinition Watch watch on custom resource definition objects', async (t) => {
  const kind = await define({ type: 'object', ...preserve });
  const { resourceVersion } = (await api.get(kind.objects)).json.metadata;
  await api.post(kind.objects, object(kind, 'a'));
  await api.patch(`${kind.objects}/a`, { spec: { dummy: 'test' } });
  await api.delete(`${kind.objects}/a`);
  const events = await api.watch(kind.objects, `resourceVersion=${resourceVersion}`);
  t.strictSame(
    events.map(([type]) => type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
});

t.test(
  'CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector',
  async (t) => {
    const more = { selectableFields: [{ jsonPath: '.host' }, { jsonPath: '.port' }] };
    const kind = await define(
      { type: 'object', properties: { host: string, port: string } },
      { more },
    );
    const { resourceVersion } = (await api.get(kind.objects)).json.metadata;
    await api.post(kind.objects, object(kind, 'a', { host: 'h1', port: '80' }));
    await api.post(kind.objects, object(kind, 'b', { host: 'h1', port: '8080' }));
    await api.post(kind.objects, object(kind, 'c', { host: 'h2', port: '80' }));
    const names = async (selector: string) => {
      const { json } = await api.get(
        `${kind.objects}?fieldSelector=${encodeURIComponent(selector)}`,
      );
      return json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    };
    t.strictSame(await names('host=h1'), ['a', 'b']);
    t.strictSame(await names('host=h1,port=80'), ['a']);
    t.strictSame(await names('host!=h1'), ['c']);
    await api.patch(`${kind.objects}/b`, { host: 'h3' });
    const query = `resourceVersion=${resourceVersion}&fieldSelector=host%3Dh1`;
    const events = await api.watch(kind.objects, query);
    t.strictSame(
      events.map(([type, { metadata }]) => [type, metadata.name]),
      [
        ['ADDED', 'a'],
        ['ADDED', 'b'],
        ['DELETED', 'b'],
      ],
    );
  },
);

const published1 = { type: 'object', description: 'Foo CRD.', properties: { spec: string } };

t.test('CustomResourcePublishOpenAPI works for CRD with validation schema', async (t) => {
  const kind = await define(published1);
  t.match((await published())[kind.document('v1')], {
    description: 'Foo CRD.',
    properties: { spec: string, metadata: { $ref: /ObjectMeta$/ } },
  });
});

for (const [name, schema] of [
  ['works for CRD without validation schema', { type: 'object', ...preserve }],
  ['works for CRD preserving unknown fields at the schema root', { ...published1, ...preserve }],
] as const) {
  t.test(`CustomResourcePublishOpenAPI ${name}`, async (t) => {
    const kind = await define(schema);
    const { 'x-kubernetes-group-version-kind': gvk, ...rest } = (await published())[
      kind.document('v1')
    ];
    t.strictSame(rest, { type: 'object' });
    t.equal(gvk[0].kind, kind.kind);
  });
}

t.test(
  'CustomResourcePublishOpenAPI works for CRD preserving unknown fields in an embedded object',
  async (t) => {
    const spec = { type: 'object', ...preserve, properties: { dummy: { type: 'object' } } };
    const kind = await define({ type: 'object', properties: { spec } });
    t.strictSame((await published())[kind.document('v1')].properties.spec, preserve);
  },
);

for (const [name, groups, versions] of [
  ['of different groups', ['one.example.com', 'two.example.com'], ['v1', 'v1']],
  ['of same group and version but different kinds', ['kinds.example.com'], ['v1', 'v1']],
  ['of same group but different versions', ['vers.example.com'], ['v1', 'v2']],
] as const) {
  t.test(`CustomResourcePublishOpenAPI works for multiple CRDs ${name}`, async (t) => {
    const [first, second] = versions;
    const one = await define(published1, { versions: [first], group: groups[0] });
    const two = await define(published1, { versions: [second], group: groups[1] ?? groups[0] });
    const all = await published();
    t.ok(all[one.document(first)]);
    t.ok(all[two.document(second)]);
  });
}

t.test(
  'CustomResourcePublishOpenAPI updates the published spec when one version gets renamed',
  async (t) => {
    const kind = await define(published1, { versions: ['v2', 'v3'] });
    const path = '/spec/versions/1/name';
    await api.patch(`${definitions}/${kind.name}`, [{ op: 'replace', path, value: 'v4' }], 'json');
    const all = await published();
    t.ok(all[kind.document('v4')] && all[kind.document('v2')]);
    t.notOk(all[kind.document('v3')]);
  },
);

t.test(
  'CustomResourcePublishOpenAPI removes definition from spec when one version gets changed to not be served',
  async (t) => {
    const kind = await define(published1, { versions: ['v5', 'v6alpha1'] });
    t.ok((await published())[kind.document('v6alpha1')]);
    const path = '/spec/versions/1/served';
    await api.patch(`${definitions}/${kind.name}`, [{ op: 'replace', path, value: false }], 'json');
    const all = await published();
    t.notOk(all[kind.document('v6alpha1')]);
    t.ok(all[kind.document('v5')]);
  },
);
