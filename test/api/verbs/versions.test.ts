import t from 'tap';
import { events } from '#api/resources/resource-types.ts';
import type { Event } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();

t.test('an event is one object under two names, its fields under theirs', async (t) => {
  await client.collection<Event>(events).create({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e1', namespace: 'default' },
    involvedObject: { kind: 'Pod', name: 'p1', namespace: 'default' },
    reason: 'Started',
    message: 'it runs',
    type: 'Normal',
  });
  const newer = '/apis/events.k8s.io/v1/namespaces/default/events';
  const one = await raw(server, 'GET', `${newer}/e1`);
  t.match(one.json, { apiVersion: 'events.k8s.io/v1', note: 'it runs', regarding: { name: 'p1' } });
  const selected = await raw(server, 'GET', `${newer}?fieldSelector=regarding.name%3Dp1`);
  t.equal(selected.json.items[0].note, 'it runs');
  const older = await raw(
    server,
    'GET',
    '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp1',
  );
  t.equal(older.json.items[0].message, 'it runs');
  const watched = await raw(server, 'GET', `${newer}?watch=true&timeoutSeconds=1`);
  t.equal(JSON.parse(watched.text).object.note, 'it runs');
});

t.test('an autoscaler of version 1 is one of version 2 as well', async (t) => {
  const path = (version: string) =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const scaleTargetRef = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
  const body = {
    metadata: { name: 'h' },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  };
  t.equal((await raw(server, 'POST', path('v1'), { body })).status, 201);
  const second = await raw(server, 'GET', `${path('v2')}/h`);
  t.equal(second.json.spec.metrics[0].resource.target.averageUtilization, 50);
  const put = { ...second.json, spec: { ...second.json.spec, maxReplicas: 9 } };
  t.equal((await raw(server, 'PUT', `${path('v2')}/h`, { body: put })).status, 200);
  const first = await raw(server, 'GET', `${path('v1')}/h`);
  t.match(first.json.spec, { maxReplicas: 9, targetCPUUtilizationPercentage: 50 });
});
