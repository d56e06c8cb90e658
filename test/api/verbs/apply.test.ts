import t from 'tap';
import type { ManagedFieldsEntry } from '#api/resources/meta.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, widgetDefinition } from '../../support/objects.ts';
import { type RawOptions, type RawResponse, raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';

const send = (method: string, path: string, options: RawOptions = {}): Promise<RawResponse> =>
  raw(server, method, path, options);

/** Applies as `manager`; `more`: further query parameters. */
const apply = (path: string, manager: string, body: unknown, more = ''): Promise<RawResponse> =>
  send('PATCH', `${path}?fieldManager=${manager}${more}`, {
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body,
  });

const managers = ({ json }: RawResponse): string[] =>
  (json.metadata.managedFields as ManagedFieldsEntry[]).map(
    ({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`.trim(),
  );

const map = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

const deployment = (name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'busybox' }] },
    },
    ...spec,
  },
});

t.test('what is not there is created, what is there is changed', async (t) => {
  const made = await apply(`${maps}/new`, 'a', map('new', { x: '1' }));
  t.equal(made.status, 201);
  t.strictSame(managers(made), ['a Apply']);
  const changed = await apply(`${maps}/new`, 'a', map('new', { y: '1' }));
  t.equal(changed.status, 200);
  t.strictSame(changed.json.data, { y: '1' });
});

t.test('applying the same again writes nothing', async (t) => {
  const made = await apply(`${maps}/same`, 'a', map('same', { x: '1' }));
  const again = await apply(`${maps}/same`, 'a', map('same', { x: '1' }));
  t.equal(again.json.metadata.resourceVersion, made.json.metadata.resourceVersion);
  t.strictSame(again.json.metadata.managedFields, made.json.metadata.managedFields);
});

t.test('a configuration may be YAML', async (t) => {
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  x: "1"\n';
  t.strictSame((await apply(`${maps}/yaml`, 'a', yaml)).json.data, { x: '1' });
  const flow = '{apiVersion: v1, kind: ConfigMap, metadata: {name: yaml}, data: {x: "2"}}';
  t.strictSame((await apply(`${maps}/yaml`, 'a', flow)).json.data, { x: '2' });
});

t.test('a conflict is told with its causes and changes nothing', async (t) => {
  await apply(`${deployments}/web`, 'a', deployment('web', { replicas: 1 }));
  const refused = await apply(`${deployments}/web`, 'b', deployment('web', { replicas: 2 }));
  t.equal(refused.status, 409);
  t.strictSame(refused.json.details.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.spec.replicas' },
  ]);
  t.match(
    refused.json.message,
    /^Apply failed with 1 conflict: conflict with "a": \.spec\.replicas/,
  );
  t.equal((await send('GET', `${deployments}/web`)).json.spec.replicas, 1);
  const forced = await apply(
    `${deployments}/web`,
    'b',
    deployment('web', { replicas: 2 }),
    '&force=true',
  );
  t.equal(forced.json.spec.replicas, 2);
});

t.test('a default returns when the applier gives its field up', async (t) => {
  await apply(`${deployments}/def`, 'a', deployment('def', { replicas: 3 }));
  const without = await apply(`${deployments}/def`, 'a', deployment('def'));
  t.equal(without.json.spec.replicas, 1);
  t.strictSame(managers(without), ['a Apply']);
});

t.test('a dry run tells what would be and stores nothing', async (t) => {
  const made = await apply(`${maps}/dry`, 'a', map('dry', { x: '1' }), '&dryRun=All');
  t.equal(made.status, 201);
  t.strictSame(made.json.data, { x: '1' });
  t.equal((await send('GET', `${maps}/dry`)).status, 404);
  await apply(`${maps}/dry`, 'a', map('dry', { x: '1' }));
  const changed = await apply(`${maps}/dry`, 'b', map('dry', { y: '1' }), '&dryRun=All');
  t.strictSame(changed.json.data, { x: '1', y: '1' });
  t.strictSame((await send('GET', `${maps}/dry`)).json.data, { x: '1' });
});

t.test('a version or uid in the configuration must be that of the object', async (t) => {
  const { json } = await apply(`${maps}/state`, 'a', map('state', { x: '1' }));
  const { uid, resourceVersion } = json.metadata;
  const as = (metadata: object) => ({
    ...map('state', { x: '2' }),
    metadata: { name: 'state', ...metadata },
  });
  t.equal((await apply(`${maps}/state`, 'a', as({ uid: 'other' }))).status, 409);
  t.equal((await apply(`${maps}/state`, 'a', as({ resourceVersion: '1' }))).status, 409);
  t.equal((await apply(`${maps}/state`, 'a', as({ uid, resourceVersion }))).status, 200);
});

t.test('appliers of one object at the same time all get their fields in', async (t) => {
  const names = Array.from({ length: 8 }, (_, index) => `m${index}`);
  const answers = await Promise.all(
    names.map((name) => apply(`${maps}/crowd`, name, map('crowd', { [name]: '1' }))),
  );
  t.equal(answers.filter(({ status }) => status === 201).length, 1);
  t.equal(answers.filter(({ status }) => status === 200).length, names.length - 1);
  const { data, metadata } = (await send('GET', `${maps}/crowd`)).json;
  t.strictSame(Object.keys(data).sort(), names);
  t.equal(metadata.managedFields.length, names.length);
});

t.test('who may patch but not create changes what is there and makes nothing', async (t) => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'patch' },
  };
  const rules = [
    {
      apiGroups: ['', 'coordination.k8s.io'],
      resources: ['configmaps', 'leases'],
      verbs: ['patch', 'update'],
    },
  ];
  await send('POST', `${rbac}/roles`, { body: { ...role, rules } });
  const binding = {
    ...role,
    kind: 'RoleBinding',
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patch' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
  };
  await send('POST', `${rbac}/rolebindings`, { body: binding });
  const headers = { 'impersonate-user': 'jane', 'content-type': 'application/apply-patch+yaml' };
  const asJane = (name: string) =>
    send('PATCH', `${maps}/${name}?fieldManager=jane`, { headers, body: map(name, { x: '1' }) });
  await apply(`${maps}/there`, 'a', map('there'));
  t.equal((await asJane('there')).status, 200);
  const refused = await asJane('absent');
  t.equal(refused.status, 403);
  t.match(refused.json.message, /User "jane" cannot create resource "configmaps"/);
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' } };
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const put = { headers: { 'impersonate-user': 'jane' }, body: lease };
  t.equal((await send('PUT', `${leases}/l`, put)).status, 403);
});

t.test('status and scale are applied through their subresources', async (t) => {
  await apply(`${deployments}/sub`, 'a', deployment('sub', { paused: true }));
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'sub' },
    spec: { paused: false },
    status: { replicas: 4 },
  };
  const status = await apply(`${deployments}/sub/status`, 's', body);
  t.equal(status.json.status.replicas, 4);
  t.equal(status.json.spec.paused, true);
  const scale = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'sub' },
    spec: { replicas: 5 },
  };
  const scaled = await apply(`${deployments}/sub/scale`, 'h', scale);
  t.match(scaled.json, { kind: 'Scale', spec: { replicas: 5 } });
  const all = await send('GET', `${deployments}/sub`);
  t.strictSame(managers(all), ['a Apply', 'h Apply scale', 's Apply status']);
  const other = await apply(`${deployments}/sub`, 'a', deployment('sub', { replicas: 1 }));
  t.match(other.json.message, /conflict with "h" with subresource "scale": \.spec\.replicas/);
  t.equal((await apply(`${deployments}/sub/scale`, 'h', body)).status, 400);
  t.equal((await apply(`${deployments}/none/status`, 's', body)).status, 404);
});

t.test('custom kinds are applied as others are', async (t) => {
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: widgetDefinition(),
  });
  const widget = (spec: object) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w' },
    spec,
  });
  t.equal((await apply(`${widgets}/w`, 'a', widget({ size: 1, colour: 'red' }))).status, 201);
  const changed = await apply(`${widgets}/w`, 'a', widget({ size: 2 }));
  t.strictSame(changed.json.spec, { size: 2 });
  t.match((await apply(`${widgets}/w`, 'b', widget({ size: 3 }))).json.message, /\.spec\.size/);
  const unknown = await apply(`${widgets}/w`, 'a', widget({ weight: 3 }));
  t.match(unknown.json.message, /\.spec\.weight: field not declared in schema/);
});

t.test('every ordinary write is kept account of, by parameter or User-Agent', async (t) => {
  const headers = { 'user-agent': 'tool/v1 (linux)' };
  await send('POST', maps, { headers, body: configMap('kept', { x: '1' }) });
  const patch = { ...headers, 'content-type': 'application/merge-patch+json' };
  await send('PATCH', `${maps}/kept?fieldManager=named`, {
    headers: patch,
    body: { data: { y: '1' } },
  });
  const put = await send('PUT', `${maps}/kept`, {
    headers: { 'user-agent': 'other' },
    body: configMap('kept', { x: '1', y: '1', z: '1' }),
  });
  t.strictSame(managers(put).sort(), ['named Update', 'other Update', 'tool Update']);
  const json = { 'content-type': 'application/json-patch+json' };
  const cleared = await send('PATCH', `${maps}/kept`, {
    headers: json,
    body: [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }],
  });
  t.notOk('managedFields' in cleared.json.metadata);
});
