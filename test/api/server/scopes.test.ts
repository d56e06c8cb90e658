/** CVE-2019-11247: who may do all in a namespace reaches nothing of the cluster by naming it as a thing of the namespace. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Session } from '#api/client/session.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { startTestServer } from '../../support/api-server.ts';
import { widgetDefinition } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
const file = (name: string) => readFileSync(join(server.pki, name), 'utf8');
const admin = { cert: file('admin.crt'), key: file('admin.key') };
const session = new Session({ server: server.url, ca: file('ca.crt'), ...admin } as never);
t.teardown(async () => {
  session.close();
  await server.close();
});
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const post = (path: string, body: object) => raw(server, 'POST', path, { body });

const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
await post(`${rbac}/namespaces/default/roles`, {
  metadata: { name: 'all' },
  rules: [everything],
});
await post(`${rbac}/namespaces/default/rolebindings`, {
  metadata: { name: 'all' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'all' },
  subjects: [{ kind: 'User', name: 'tenant', apiGroup: 'rbac.authorization.k8s.io' }],
});
const { spec, ...definition } = widgetDefinition();
await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
  ...definition,
  spec: { ...spec, scope: 'Cluster' },
});
await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
  ...definition,
  metadata: { name: 'gadgets.example.com' },
  spec: { ...spec, names: { plural: 'gadgets', kind: 'Gadget' }, scope: 'Namespaced' },
});
const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'x' } };
t.equal((await post('/apis/example.com/v1/widgets', widget)).status, 201);

const methods = [
  ['GET', ''],
  ['GET', '/x'],
  ['GET', '?watch=true'],
  ['POST', ''],
  ['PUT', '/x'],
  ['PATCH', '/x'],
  ['DELETE', '/x'],
  ['DELETE', ''],
] as const;

const rootOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

async function ask(method: string, path: string, user: string | undefined): Promise<number> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const { status } = await session.exchange(method, path, {
    headers: { 'content-type': type, ...(user === undefined ? {} : { 'impersonate-user': user }) },
    ...(method === 'GET' || method === 'DELETE'
      ? {}
      : { body: JSON.stringify({ metadata: { name: 'x' } }) }),
  });
  return status;
}

t.test('the tenant may do all in the namespace, and nothing outside', async (t) => {
  t.equal(await ask('GET', '/api/v1/namespaces/default/pods', 'tenant'), 200);
  t.equal(await ask('GET', '/apis/example.com/v1/widgets/x', 'tenant'), 403);
  t.equal(await ask('GET', '/api/v1/nodes', 'tenant'), 403);
});

t.test('a kind of the cluster is not found in a namespace (CVE-2019-11247)', async (t) => {
  const clusterWide = createKinds()
    .all()
    .filter(({ namespaced }) => !namespaced);
  t.ok(clusterWide.length > 20, `${clusterWide.length} kinds`);
  const all = [...clusterWide, { group: 'example.com', version: 'v1', plural: 'widgets' }];
  for (const kind of all) {
    const path = `${rootOf(kind)}/namespaces/default/${kind.plural}`;
    for (const [method, rest] of methods) {
      for (const user of ['tenant', undefined]) {
        t.equal(await ask(method, `${path}${rest}`, user), 404, `${user} ${method} ${path}${rest}`);
      }
    }
  }
  t.equal(await ask('GET', '/apis/example.com/v1/widgets/x', undefined), 200, 'still there');
});

t.test('nor is anything made in no namespace that belongs in one', async (t) => {
  const inNamespaces = createKinds()
    .all()
    .filter(({ namespaced, verbs }) => namespaced && verbs.includes('create'));
  for (const kind of inNamespaces) {
    const path = `${rootOf(kind)}/${kind.plural}`;
    t.equal(await ask('POST', path, 'tenant'), 403, `tenant ${path}`);
    // The URL without a namespace is there to list, and of a custom kind for nothing else.
    const isThere = kind.verbs.includes('list') && kind.custom === undefined;
    t.equal(await ask('POST', path, undefined), isThere ? 405 : 404, `admin ${path}`);
  }
});

t.test('an object that belongs in a namespace has no URL without one', async (t) => {
  const inNamespaces = createKinds()
    .all()
    .filter(({ namespaced }) => namespaced);
  t.ok(inNamespaces.length > 20, `${inNamespaces.length} kinds`);
  for (const kind of inNamespaces) {
    const path = `${rootOf(kind)}/${kind.plural}`;
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'])
      t.equal(await ask(method, `${path}/x`, undefined), 404, `${method} ${path}/x`);
    t.equal(await ask('GET', `${path}/x/status`, undefined), 404, `${path}/x/status`);
    t.equal(await ask('GET', `${path}/x?watch=1`, undefined), 404, `watch ${path}/x`);
    if (!kind.verbs.includes('list')) continue;
    t.equal(await ask('GET', path, undefined), 200, path);
    t.equal(await ask('DELETE', path, undefined), 405, `DELETE ${path}`);
  }
  t.equal(await ask('GET', '/api/v1/pods/x/log', undefined), 404);
});

t.test('custom objects that belong in a namespace neither', async (t) => {
  const path = '/apis/example.com/v1/gadgets';
  for (const [method, rest, status] of [
    ['GET', '', 200],
    ['GET', '/x', 404],
    ['POST', '', 404],
    ['DELETE', '', 404],
    ['DELETE', '/x', 404],
  ] as const)
    t.equal(await ask(method, `${path}${rest}`, undefined), status, `${method} ${path}${rest}`);
});
