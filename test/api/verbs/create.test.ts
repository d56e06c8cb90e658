import t from 'tap';
import { configMaps, namespaces, pods } from '#api/resources/resource-types.ts';
import type { ConfigMap, Namespace, Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const maps = client.collection<ConfigMap>(configMaps);
const collection = '/api/v1/namespaces/default/configmaps';

t.test('the server names what it creates: uid, version, time', async (t) => {
  const made = await maps.create({
    ...configMap('named'),
    metadata: {
      name: 'named',
      namespace: 'default',
      uid: 'mine',
      creationTimestamp: '2000-01-01T00:00:00Z',
    },
  });
  t.match(made.metadata.uid, /^[0-9a-f-]{36}$/);
  t.match(made.metadata.resourceVersion, /^\d+$/);
  t.not(made.metadata.creationTimestamp, '2000-01-01T00:00:00Z');
  t.strictSame(await maps.get({ namespace: 'default', name: 'named' }), made);
});

t.test('a second object of a name is refused with 409', async (t) => {
  await maps.create(configMap('twice'));
  await t.rejects(maps.create(configMap('twice')), /configmaps "twice" already exists/);
});

t.test('generateName makes a name of its own for each object', async (t) => {
  const { name: _, ...metadata } = configMap('x').metadata;
  const object = {
    ...configMap('x'),
    metadata: { ...metadata, generateName: 'job-' },
  } as ConfigMap;
  const made = await Promise.all([1, 2, 3].map(() => maps.create(object)));
  t.equal(new Set(made.map((each) => each.metadata.name)).size, 3);
  for (const each of made) t.match(each.metadata.name, /^job-[a-z0-9]{5}$/);
});

t.test('an object without a name is invalid', async (t) => {
  const answer = await raw(server, 'POST', collection, { body: { metadata: {} } });
  t.equal(answer.status, 422);
  t.equal(answer.json.details.causes[0].field, 'metadata.name');
});

t.test('the namespace of the URL counts, and another in the object is refused', async (t) => {
  const made = await raw(server, 'POST', collection, { body: { metadata: { name: 'placed' } } });
  t.equal(made.status, 201);
  t.equal(made.json.metadata.namespace, 'default');
  const body = { metadata: { name: 'elsewhere', namespace: 'kube-system' } };
  const refused = await raw(server, 'POST', collection, { body });
  t.equal(refused.status, 400);
  t.match(refused.json.message, /does not match the namespace sent on the request/);
});

t.test('nothing is created in a namespace that is missing or going', async (t) => {
  const lost = { ...configMap('a'), metadata: { name: 'a', namespace: 'lost' } };
  await t.rejects(maps.create(lost), /namespaces "lost" not found/);
  const all = client.collection<Namespace>(namespaces);
  await all.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } });
  await all.delete({ name: 'going' });
  t.equal((await all.get({ name: 'going' })).status?.phase, 'Terminating');
  const late = { ...configMap('a'), metadata: { name: 'a', namespace: 'going' } };
  await t.rejects(maps.create(late), /because it is being terminated/);
});

t.test('a dry run answers as the real one and stores nothing', async (t) => {
  const answer = await raw(server, 'POST', `${collection}?dryRun=All`, { body: configMap('dry') });
  t.equal(answer.status, 201);
  t.ok(answer.json.metadata.uid);
  t.notOk(answer.json.metadata.resourceVersion);
  await t.rejects(maps.get({ namespace: 'default', name: 'dry' }), /not found/);
});

t.test('unknown fields are refused, warned of or passed over, as asked', async (t) => {
  const body = (name: string) => ({ ...pod(name), spec: { ...pod(name).spec, colour: 'red' } });
  const path = '/api/v1/namespaces/default/pods';
  const strict = await raw(server, 'POST', `${path}?fieldValidation=Strict`, { body: body('u1') });
  t.equal(strict.status, 400);
  t.match(strict.json.message, /strict decoding error: unknown field "spec.colour"/);
  const warned = await raw(server, 'POST', path, { body: body('u2') });
  t.equal(warned.status, 201);
  t.match(warned.headers['warning'], /299 - "unknown field \\"spec.colour\\""/);
  const ignored = await raw(server, 'POST', `${path}?fieldValidation=Ignore`, { body: body('u3') });
  t.notOk(ignored.headers['warning']);
  t.notOk(ignored.json.spec.colour);
});

t.test('bad bodies are told apart: malformed, wrong type, missing field, other kind', async (t) => {
  const post = (body: unknown) => raw(server, 'POST', '/api/v1/namespaces/default/pods', { body });
  t.equal((await post('{"kind":"Pod",')).status, 400);
  const wrongType = await post({ ...pod('bad'), spec: { containers: 'none' } });
  t.equal(wrongType.status, 400);
  const missing = await post({ ...pod('bad'), spec: { containers: [{ name: 'c' }] } });
  t.equal(missing.status, 422);
  t.match(missing.json.message, /spec.containers\[0\].image: Required value/);
  t.equal((await post({ ...pod('bad'), kind: 'ConfigMap' })).status, 400);
});

t.test('a body over 3 MiB is refused with 413', async (t) => {
  const body = configMap('big', { x: 'y'.repeat(3 * 1024 * 1024) });
  const answer = await raw(server, 'POST', collection, { body });
  t.equal(answer.status, 413);
  t.equal(answer.json.reason, 'RequestEntityTooLarge');
});

t.test('a pod comes with its defaults and as Pending', async (t) => {
  const made = await client.collection<Pod>(pods).create({
    ...pod('defaults'),
    status: { phase: 'Running' },
  });
  t.equal(made.status?.phase, 'Pending');
  t.equal(made.spec?.restartPolicy, 'Always');
  t.equal(made.spec?.serviceAccountName, 'default');
  t.equal(made.metadata.generation, 1);
});
