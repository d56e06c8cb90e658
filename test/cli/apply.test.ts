import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { applyManifests, type Outcome } from '#cli/apply.ts';
import { startTestServer } from '../support/api-server.ts';
import { widgetDefinition } from '../support/objects.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();

/** What became of each document: an outcome, or why not. */
async function apply(...objects: object[]): Promise<(Outcome | string)[]> {
  const told: (Outcome | string)[] = [];
  const manifests = objects.map((object) => ({ object: object as KubeObject, place: 'it.yaml:1' }));
  await applyManifests(client, manifests, 'default', {
    onApplied: ({ outcome }) => told.push(outcome),
    onProblem: (_manifest, error) => told.push(error.message),
  });
  return told;
}

const map = (name: string, data: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const path = '/api/v1/namespaces/default/configmaps';
const read = async (name: string) =>
  (await client.request('GET', `${path}/${name}`)) as KubeObject & { data: object };

t.test('a document is created, left alone, changed', async (t) => {
  t.strictSame(await apply(map('a', { x: '1' })), ['created']);
  t.strictSame(await apply(map('a', { x: '1' })), ['unchanged']);
  t.strictSame(await apply(map('a', { x: '2' })), ['configured']);
});

t.test('what the document does not name any more is removed, what others set stays', async (t) => {
  await apply(map('b', { x: '1', y: '1' }));
  await client.request('PUT', `${path}/b`, map('b', { x: '1', y: '1', z: '1' }));
  t.strictSame(await apply(map('b', { x: '1' })), ['configured']);
  t.strictSame((await read('b')).data, { x: '1', z: '1' });
});

t.test('a value that drifted is put back though the document did not change', async (t) => {
  await apply(map('c', { x: '1' }));
  await client.request('PUT', `${path}/c`, map('c', { x: 'drifted' }));
  t.strictSame(await apply(map('c', { x: '1' })), ['configured']);
  t.strictSame((await read('c')).data, { x: '1' });
});

t.test('a document that came from the cluster can be applied again', async (t) => {
  await apply(map('d', { x: '1' }));
  t.strictSame(await apply(await read('d')), ['unchanged']);
});

t.test('a document may leave the name to the server', async (t) => {
  const { name: _, ...metadata } = map('x', {}, { generateName: 'gen-' }).metadata;
  t.strictSame(await apply({ ...map('x', {}), metadata }), ['created']);
});

t.test('one that fails does not keep the others back, and new kinds are found', async (t) => {
  const widget = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size: 1 },
  };
  const told = await apply(map('Bad_Name', {}), widgetDefinition(), widget);
  t.match(told[0], /invalid/);
  t.strictSame(told.slice(1), ['created', 'created']);
});
