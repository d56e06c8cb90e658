/** Events last an hour, whoever writes them by whichever of their names; nothing else goes by itself. */
import t from 'tap';
import { createMemoryStorage } from '#api/storage/memory.ts';
import type { PutOptions } from '#api/storage/storage.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const storage = createMemoryStorage();
const lives = new Map<string, number | undefined>();
const put = storage.put.bind(storage);
storage.put = (key: string, value: Buffer, options: PutOptions) => {
  lives.set(key, options.ttlSeconds);
  return put(key, value, options);
};
const server = await startTestServer(storage);
t.teardown(() => server.close());
const core = '/api/v1/namespaces/default/events';
const newer = '/apis/events.k8s.io/v1/namespaces/default/events';
const post = (path: string, body: object) => raw(server, 'POST', path, { body });
const lifeOf = (key: string) => lives.get(`/registry/${key}`);

t.test('an event lasts an hour under both of its names, from its last change on', async (t) => {
  const involved = { kind: 'Pod', namespace: 'default', name: 'p' };
  await post(core, {
    metadata: { name: 'a' },
    involvedObject: involved,
    reason: 'R',
    type: 'Normal',
  });
  t.equal(lifeOf('events/default/a'), 3600);
  const made = await post(newer, {
    metadata: { name: 'b' },
    regarding: involved,
    reason: 'R',
    type: 'Normal',
    action: 'Do',
    eventTime: '2026-01-01T00:00:00.000001Z',
    reportingController: 'test',
    reportingInstance: 'test-1',
  });
  t.equal(made.status, 201, made.text);
  t.equal(lifeOf('events/default/b'), 3600);
  lives.clear();
  await raw(server, 'PATCH', `${newer}/a`, {
    body: { deprecatedCount: 2 },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  t.equal(lifeOf('events/default/a'), 3600);
  t.match((await raw(server, 'GET', `${core}/a`)).json, { count: 2, reason: 'R' });
});

t.test('nothing else does, not even what is called the same', async (t) => {
  await post('/api/v1/namespaces/default/configmaps', configMap('kept'));
  t.ok(lives.has('/registry/configmaps/default/kept'));
  t.equal(lifeOf('configmaps/default/kept'), undefined);
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'events.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'events', singular: 'event', kind: 'Event', listKind: 'EventList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
  const custom = await post('/apis/example.com/v1/namespaces/default/events', {
    apiVersion: 'example.com/v1',
    kind: 'Event',
    metadata: { name: 'concert' },
  });
  t.equal(custom.status, 201, custom.text);
  t.ok(lives.has('/registry/example.com/events/default/concert'));
  t.equal(lifeOf('example.com/events/default/concert'), undefined);
});
