/** What `pods/ephemeralcontainers` and `pods/resize` change, and what they leave alone. */
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const pods = '/api/v1/namespaces/default/pods';
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };

async function make(name: string, resources = {}) {
  const body = pod(name);
  Object.assign(body.spec?.containers[0] ?? {}, { resources });
  return (await raw(server, 'POST', pods, { body })).json;
}
const patch = (path: string, spec: object) =>
  raw(server, 'PATCH', `${pods}/${path}`, { body: { spec }, headers: strategic });
const debug = (container: object) => ({
  ephemeralContainers: [{ name: 'debug', image: 'busybox', ...container }],
});

t.test('ephemeral containers are added, with defaults, and counted as a change', async (t) => {
  await make('a');
  t.equal((await patch('a', debug({}))).status, 422, 'not through the pod itself');
  const { status, json } = await patch(
    'a/ephemeralcontainers',
    debug({ targetContainerName: 'main' }),
  );
  t.equal(status, 200);
  t.match(json.spec.ephemeralContainers, [{ name: 'debug', imagePullPolicy: 'Always' }]);
  t.equal(json.metadata.generation, 2);
  const more = { ...json.spec, nodeName: 'n9', ...debug({ name: 'second' }) };
  more.ephemeralContainers = [...json.spec.ephemeralContainers, ...more.ephemeralContainers];
  const put = await raw(server, 'PUT', `${pods}/a/ephemeralcontainers`, {
    body: { ...json, spec: more },
  });
  t.equal(put.status, 200);
  t.equal(put.json.spec.ephemeralContainers.length, 2);
  t.equal(put.json.spec.nodeName, undefined, 'the rest of the spec is not taken');
});

t.test('ephemeral containers stay as they are', async (t) => {
  await make('b');
  const { json } = await patch('b/ephemeralcontainers', debug({}));
  const changed = await patch('b/ephemeralcontainers', debug({ image: 'other' }));
  t.match(changed.json.details.causes[0], {
    reason: 'FieldValueForbidden',
    field: 'spec.ephemeralContainers',
    message: 'Forbidden: existing ephemeral containers "debug" may not be changed\n',
  });
  const none = { ...json, spec: { ...json.spec, ephemeralContainers: [] } };
  const removed = await raw(server, 'PUT', `${pods}/b/ephemeralcontainers`, { body: none });
  t.match(removed.json.message, /may not be removed/);
});

for (const [field, container] of [
  ['ports', { ports: [{ containerPort: 80 }] }],
  ['resources', { resources: { limits: { cpu: '1' } } }],
  ['livenessProbe', { livenessProbe: { exec: { command: ['true'] } } }],
  ['targetContainerName', { targetContainerName: 'nobody' }],
] as const) {
  t.test(`an ephemeral container without a right to ${field}`, async (t) => {
    const name = `c-${field.toLowerCase()}`;
    await make(name);
    const { json } = await patch(`${name}/ephemeralcontainers`, debug(container));
    t.equal(json.details.causes[0].field, `spec.ephemeralContainers[0].${field}`);
  });
}

const main = (resources: object) => ({ containers: [{ name: 'main', resources }] });

t.test('a resize changes amounts and nothing else', async (t) => {
  await make('r', { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m' } });
  t.equal((await patch('r', main({ requests: { cpu: '150m' } }))).status, 422);
  const { json, status } = await patch('r/resize', {
    containers: [{ name: 'main', image: 'other', resources: { requests: { cpu: '150m' } } }],
  });
  t.equal(status, 200);
  t.match(json.spec.containers[0], {
    image: 'busybox',
    resources: { requests: { cpu: '150m', memory: '64Mi' } },
  });
  t.equal(json.metadata.generation, 2);
});

const refusals: readonly (readonly [string, object, RegExp])[] = [
  ['another class of service', { requests: { memory: '64Mi' } }, /QOS Class may not change/],
  [
    'storage',
    { requests: { 'ephemeral-storage': '1Gi' } },
    /only cpu and memory resources are mutable/,
  ],
  ['a request above its limit', { requests: { cpu: '3' } }, /less than or equal to cpu limit/],
  ['a limit taken away', { limits: { cpu: null } }, /resource limits cannot be removed/],
];

t.test('what a resize refuses', async (t) => {
  for (const [index, [name, resources, why]] of refusals.entries()) {
    const guaranteed = { cpu: '1', memory: '64Mi' };
    const before =
      index === 0
        ? { requests: guaranteed, limits: guaranteed }
        : { requests: { cpu: '1' }, limits: { cpu: '2' } };
    await make(`x${index}`, before);
    const wanted = index === 0 ? { requests: { cpu: '500m' } } : resources;
    t.match((await patch(`x${index}/resize`, main(wanted))).json.message, why, name);
  }
});

t.test('a resize keeps to the limit ranges of its namespace', async (t) => {
  const range = { type: 'Container', max: { cpu: '1' } };
  const body = { metadata: { name: 'small' }, spec: { limits: [range] } };
  await raw(server, 'POST', '/api/v1/namespaces/default/limitranges', { body });
  await make('l', { requests: { cpu: '1' }, limits: { cpu: '1' } });
  const { json, status } = await patch('l/resize', main({ limits: { cpu: '2' } }));
  t.equal(status, 403);
  t.match(json.message, /maximum cpu usage per Container is 1, but limit is 2/);
  t.equal((await patch('l/resize', main({ requests: { cpu: '500m' } }))).status, 200);
  await raw(server, 'DELETE', '/api/v1/namespaces/default/limitranges/small');
});
