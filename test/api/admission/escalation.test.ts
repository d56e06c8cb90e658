/** Who may write roles and bindings gives away only what they have, unless they may `escalate` or `bind`. */
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const base = '/apis/rbac.authorization.k8s.io/v1';
const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroups = ['rbac.authorization.k8s.io'];
const writes = ['create', 'update'];
const reading = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const local = `${base}/namespaces/default`;

const write = (user: string, method: string, path: string, body: object) => {
  const headers = user === '' ? {} : { 'impersonate-user': user };
  return raw(server, method, path, { body, headers });
};
const role = (name: string, rules: object[]) => ({
  apiVersion,
  kind: 'Role',
  metadata: { name, namespace: 'default' },
  rules,
});
const binding = (name: string, to: string, user: string) => ({
  apiVersion,
  kind: 'RoleBinding',
  metadata: { name, namespace: 'default' },
  roleRef: { apiGroup: apiGroups[0], kind: 'Role', name: to },
  subjects: [{ apiGroup: apiGroups[0], kind: 'User', name: user }],
});

/** A user who holds these rules in the namespace. */
async function holder(user: string, rules: object[]): Promise<string> {
  await write('', 'POST', `${local}/roles`, role(user, rules));
  await write('', 'POST', `${local}/rolebindings`, binding(user, user, user));
  return user;
}
const writer = { apiGroups, resources: ['roles', 'rolebindings'], verbs: writes };
const jane = await holder('jane', [writer]);
const joe = await holder('joe', [writer, ...reading]);
const eve = await holder('eve', [
  writer,
  { apiGroups, resources: ['roles'], verbs: ['escalate'], resourceNames: ['given'] },
]);
const bob = await holder('bob', [
  writer,
  { apiGroups, resources: ['roles'], verbs: ['bind'], resourceNames: ['joe'] },
]);

t.test('a role needs its rules, or escalate on that role', async (t) => {
  const made = (user: string, name: string) =>
    write(user, 'POST', `${local}/roles`, role(name, reading));
  const refused = await made(jane, 'read');
  t.match(refused.json, { code: 403, reason: 'Forbidden' });
  t.match(refused.json.message, /attempting to grant RBAC permissions not currently held/);
  t.match(refused.json.message, /\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["get"\]\}/);
  t.equal((await raw(server, 'GET', `${local}/roles/read`)).status, 404, 'nothing was written');
  t.equal((await made(joe, 'read')).status, 201);
  t.equal((await made(eve, 'other')).status, 403, 'escalate on another role is none');
  // A name is no part of what is asked of a create by the verb, but is of escalate.
  t.equal((await made(eve, 'given')).status, 201);
});

t.test('more in a role needs the same; a change beside the rules does not', async (t) => {
  const change = (user: string, body: object) => write(user, 'PUT', `${local}/roles/read`, body);
  const more = role('read', [{ ...reading[0], verbs: ['get', 'delete'] }]);
  const refused = await change(joe, more);
  t.equal(refused.status, 403);
  t.match(refused.json.message, /Verbs:\["delete"\]/, 'only what is missing is told');
  const labelled = role('read', reading);
  Object.assign(labelled.metadata, { labels: { a: 'b' } });
  t.equal((await change(jane, labelled)).status, 200);
});

t.test('a binding needs the rules of its role, or bind on that role', async (t) => {
  const bind = (user: string, name: string, to: string) =>
    write(user, 'POST', `${local}/rolebindings`, binding(name, to, 'friend'));
  t.equal((await bind(jane, 'a', 'read')).status, 403);
  t.equal((await bind(joe, 'b', 'read')).status, 201);
  t.equal((await bind(bob, 'c', 'read')).status, 403, 'bind on another role is none');
  t.equal((await bind(bob, 'd', 'joe')).status, 201);
  t.equal((await bind(jane, 'e', 'absent')).status, 404);
});
