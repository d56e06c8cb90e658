/** Custom kinds whose definition changes while there are objects of them, and definitions of real-world size. */
import t from 'tap';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { widgetDefinition } from '../../support/objects.ts';
import { raw, rawBytes } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const post = (path: string, body: unknown) => raw(server, 'POST', path, { body });
const get = (path: string) => raw(server, 'GET', path);

/** A Widget's definition in a group of its own. */
function inGroup(group: string, names = widgetDefinition().spec.names): CustomResourceDefinition {
  const definition = widgetDefinition();
  definition.metadata.name = `${names.plural}.${group}`;
  definition.spec.group = group;
  definition.spec.names = names;
  return definition;
}

const specOf = (definition: CustomResourceDefinition) =>
  definition.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.['spec'] as {
    properties: Record<string, unknown>;
  };

async function change(name: string, how: (definition: CustomResourceDefinition) => void) {
  const { json } = await get(`${definitions}/${name}`);
  how(json);
  return raw(server, 'PUT', `${definitions}/${name}`, { body: json });
}

t.test('what is in the store is read by the schema as it is now', async (t) => {
  const group = 'reads.example.com';
  const widgets = `/apis/${group}/v1/namespaces/default/widgets`;
  t.equal((await post(definitions, inGroup(group))).status, 201);
  const widget = {
    apiVersion: `${group}/v1`,
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size: 2, colour: 'red' },
  };
  const made = (await post(widgets, widget)).json;
  const changed = await change(`widgets.${group}`, (definition) => {
    const { properties } = specOf(definition);
    delete properties['colour'];
    properties['shape'] = { type: 'string', default: 'round' };
  });
  t.equal(changed.status, 200);
  const expected = { size: 2, shape: 'round' };
  t.strictSame((await get(`${widgets}/w`)).json.spec, expected);
  t.strictSame((await get(widgets)).json.items[0].spec, expected);
  const stored = await server.storage.get(`/registry/${group}/widgets/default/w`);
  t.match(JSON.parse(String(stored?.value)).spec, { colour: 'red' }, 'the store is left alone');
  const label = { metadata: { labels: { seen: 'yes' } } };
  const headers = { 'content-type': 'application/merge-patch+json' };
  await raw(server, 'PATCH', `${widgets}/w`, { body: label, headers });
  const watched = await get(
    `${widgets}?watch=true&timeoutSeconds=1&resourceVersion=${made.metadata.resourceVersion}`,
  );
  const [event] = watched.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.strictSame(event.object.spec, expected);
  const now = await server.storage.get(`/registry/${group}/widgets/default/w`);
  t.strictSame(
    JSON.parse(String(now?.value)).spec,
    expected,
    'the first write brings it up to date',
  );
});

t.test('a default does not show where the object has the field', async (t) => {
  const group = 'defaults.example.com';
  const widgets = `/apis/${group}/v1/namespaces/default/widgets`;
  const definition = inGroup(group);
  specOf(definition).properties['size'] = { type: 'integer', default: 7 };
  await post(definitions, definition);
  const widget = (name: string, spec: object) =>
    post(widgets, { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name }, spec });
  t.equal((await widget('a', {})).json.spec.size, 7);
  t.equal((await widget('b', { size: 1 })).json.spec.size, 1);
  const headers = { 'content-type': 'application/merge-patch+json' };
  const patched = await raw(server, 'PATCH', `${widgets}/b`, {
    body: { spec: { size: null } },
    headers,
  });
  t.equal(patched.json.spec.size, 7);
});

t.test('a name goes to who waits for it when its owner is gone', async (t) => {
  const group = 'names.example.com';
  await post(definitions, inGroup(group));
  const second = inGroup(group, { plural: 'gadgets', kind: 'Widget' });
  const made = (await post(definitions, second)).json;
  t.match(made.status.conditions[0], {
    type: 'NamesAccepted',
    status: 'False',
    reason: 'SingularConflict',
    message: '"widget" is already in use',
  });
  t.equal((await get(`/apis/${group}/v1/gadgets`)).status, 404);
  await raw(server, 'DELETE', `${definitions}/widgets.${group}`);
  const { resourceVersion } = made.metadata;
  const field = `metadata.name%3D${second.metadata.name}`;
  const watched = await get(
    `${definitions}?watch=true&timeoutSeconds=1&fieldSelector=${field}&resourceVersion=${resourceVersion}`,
  );
  t.match(watched.text, /InitialNamesAccepted/);
  t.equal((await get(`/apis/${group}/v1/gadgets`)).status, 200);
});

t.test('a version in which objects may be stored stays', async (t) => {
  const group = 'versions.example.com';
  const name = `widgets.${group}`;
  await post(definitions, inGroup(group));
  const second = (definition: CustomResourceDefinition) => {
    const [first] = definition.spec.versions;
    if (first === undefined) throw new Error('no version');
    definition.spec.versions = [
      { ...first, storage: false },
      { ...first, name: 'v2', storage: true },
    ];
  };
  const moved = await change(name, second);
  t.strictSame(moved.json.status.storedVersions, ['v1', 'v2']);
  const dropFirst = (definition: CustomResourceDefinition) => {
    definition.spec.versions = definition.spec.versions.filter((version) => version.name === 'v2');
  };
  const refused = await change(name, dropFirst);
  t.equal(refused.status, 422);
  t.match(refused.json.details.causes[0], {
    field: 'status.storedVersions[0]',
    message: 'Invalid value: "v1": must appear in spec.versions',
  });
  const body = (await get(`${definitions}/${name}`)).json;
  const status = { ...body, status: { ...body.status, storedVersions: [] } };
  t.equal(
    (await raw(server, 'PUT', `${definitions}/${name}/status`, { body: status })).status,
    422,
  );
  status.status.storedVersions = ['v2'];
  t.equal(
    (await raw(server, 'PUT', `${definitions}/${name}/status`, { body: status })).status,
    200,
  );
  t.equal((await change(name, dropFirst)).status, 200);
});

t.test('writing an object as it is moves it to the storage version', async (t) => {
  const group = 'moves.example.com';
  await post(definitions, inGroup(group));
  const v1 = `/apis/${group}/v1/namespaces/default/widgets`;
  await post(v1, { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w' } });
  await change(`widgets.${group}`, (definition) => {
    const [first] = definition.spec.versions;
    if (first === undefined) throw new Error('no version');
    definition.spec.versions = [
      { ...first, storage: false },
      { ...first, name: 'v2', storage: true },
    ];
  });
  const { json } = await get(`${v1}/w`);
  t.equal((await raw(server, 'PUT', `${v1}/w`, { body: json })).json.apiVersion, `${group}/v1`);
  const stored = await server.storage.get(`/registry/${group}/widgets/default/w`);
  t.equal(JSON.parse(String(stored?.value)).apiVersion, `${group}/v2`);
});

t.test('a definition of 400 KB is created, published and used', async (t) => {
  const group = 'large.example.com';
  const definition = inGroup(group);
  const { properties } = specOf(definition);
  const leaf = (index: number) => ({
    type: 'object',
    description: `What number ${index} is about. `.repeat(8),
    properties: {
      name: { type: 'string', maxLength: 63, pattern: '^[a-z]+$' },
      values: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      limit: { 'x-kubernetes-int-or-string': true },
    },
  });
  for (let index = 0; index < 900; index++) properties[`part${index}`] = leaf(index);
  t.ok(JSON.stringify(definition).length > 400_000);
  t.equal((await post(definitions, definition)).status, 201);
  const widgets = `/apis/${group}/v1/namespaces/default/widgets`;
  const object = (spec: object) => ({
    apiVersion: `${group}/v1`,
    kind: 'Widget',
    metadata: { name: 'w' },
    spec,
  });
  const wrong = await post(widgets, object({ part899: { name: 'UPPER', values: ['a', 'a'] } }));
  t.strictSame(
    wrong.json.details.causes.map(({ field }: { field: string }) => field),
    ['spec.part899.name', 'spec.part899.values[1]'],
  );
  t.equal((await post(widgets, object({ part1: { limit: '10%' } }))).status, 201);
  const document = await get(`/openapi/v3/apis/${group}/v1`);
  t.ok(document.json.components.schemas['com.example.large.v1.Widget'].properties.spec);
  const v2 = await rawBytes(server, 'GET', '/openapi/v2');
  t.match(v2.bytes.toString(), /"com\.example\.large\.v1\.Widget"/);
});
