import t from 'tap';
import type { User } from '#api/authentication/user.ts';
import { policyOf } from '#api/authorization/policy.ts';
import { Rbac } from '#api/authorization/rbac.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;
const rules = (...resources: string[]) => [{ apiGroups: [''], resources, verbs: ['get', 'list'] }];

async function rig(t: { teardown(run: () => unknown): void }) {
  const storage = createMemoryStorage();
  const cache = await WatchCache.start(storage, { prefix: '/registry/' });
  const rbac = new Rbac(cache);
  t.teardown(() => {
    rbac.close();
    cache.close();
    return storage.close();
  });
  const plurals: Record<string, string> = {
    Role: 'roles',
    ClusterRole: 'clusterroles',
    RoleBinding: 'rolebindings',
    ClusterRoleBinding: 'clusterrolebindings',
  };
  const key = (kind: string, place: string) => `/registry/${plurals[kind]}/${place}`;
  const put = async (kind: string, place: string, more: object) => {
    const [name, namespace] = place.split('/').reverse();
    const object = { kind, apiVersion, metadata: { name, namespace }, ...more };
    const held = cache.get(key(kind, place))?.revision ?? 0;
    const value = Buffer.from(JSON.stringify(object));
    const written = await storage.put(key(kind, place), value, { expectedRevision: held });
    if (written.written) await cache.waitFor(written.revision);
  };
  const bind = (kind: string, place: string, role: string, ...subjects: object[]) => {
    const [roleKind, name] = role.split(' ');
    return put(kind, place, { roleRef: { apiGroup: group, kind: roleKind, name }, subjects });
  };
  const remove = async (kind: string, place: string) => {
    const gone = await storage.delete(key(kind, place), cache.get(key(kind, place))?.revision ?? 0);
    if (gone.written) await cache.waitFor(gone.revision);
  };
  const may = (user: User, verb: string, resource: string, namespace?: string, name?: string) =>
    rbac.decide({
      user,
      verb,
      group: '',
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    });
  return { rbac, put, bind, remove, may };
}

const jane: User = { name: 'jane', groups: ['devs', 'system:authenticated'] };
const asUser = { kind: 'User', apiGroup: group, name: 'jane' };
const asGroup = { kind: 'Group', apiGroup: group, name: 'devs' };

t.test('a binding in a namespace holds there, one of the cluster everywhere', async (t) => {
  const { put, bind, may } = await rig(t);
  await put('ClusterRole', 'reader', { rules: rules('pods') });
  t.notOk(may(jane, 'get', 'pods', 'a').allowed);
  await bind('RoleBinding', 'a/b', 'ClusterRole reader', asUser);
  t.strictSame(may(jane, 'get', 'pods', 'a'), {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "b/a" of ClusterRole "reader" to User "jane"',
  });
  t.notOk(may(jane, 'get', 'pods', 'b').allowed);
  t.notOk(may(jane, 'list', 'pods').allowed, 'in all namespaces');
  t.notOk(may(jane, 'delete', 'pods', 'a').allowed);
  await bind('ClusterRoleBinding', 'all', 'ClusterRole reader', asGroup);
  t.ok(may(jane, 'list', 'pods').allowed);
  t.ok(may(jane, 'list', 'pods', 'b').allowed);
});

t.test('a change of a role or binding counts from the next question on', async (t) => {
  const { put, bind, remove, may } = await rig(t);
  await bind('RoleBinding', 'a/b', 'Role r', asUser);
  t.notOk(may(jane, 'get', 'pods', 'a').allowed, 'there is no such role');
  await put('Role', 'a/r', { rules: rules('pods') });
  t.ok(may(jane, 'get', 'pods', 'a').allowed);
  await put('Role', 'a/r', { rules: rules('secrets') });
  t.notOk(may(jane, 'get', 'pods', 'a').allowed);
  t.ok(may(jane, 'get', 'secrets', 'a').allowed);
  await remove('RoleBinding', 'a/b');
  t.notOk(may(jane, 'get', 'secrets', 'a').allowed);
});

t.test('a Role of another namespace is not meant', async (t) => {
  const { put, bind, may } = await rig(t);
  await put('Role', 'a/r', { rules: rules('pods') });
  await bind('RoleBinding', 'b/x', 'Role r', asUser);
  t.notOk(may(jane, 'get', 'pods', 'a').allowed);
  t.notOk(may(jane, 'get', 'pods', 'b').allowed);
});

t.test('service accounts are meant by their namespace and name', async (t) => {
  const { put, bind, may } = await rig(t);
  await put('ClusterRole', 'reader', { rules: rules('pods') });
  await bind('RoleBinding', 'a/b', 'ClusterRole reader', { kind: 'ServiceAccount', name: 'robot' });
  const robot = (namespace: string): User => ({
    name: `system:serviceaccount:${namespace}:robot`,
    groups: [],
  });
  t.ok(may(robot('a'), 'get', 'pods', 'a').allowed, 'of the namespace of the binding');
  t.notOk(may(robot('b'), 'get', 'pods', 'a').allowed);
});

t.test('rules for names hold for those names alone', async (t) => {
  const { put, bind, may } = await rig(t);
  const named = { ...rules('secrets')[0], resourceNames: ['mine', 'ours'] };
  await put('ClusterRole', 'r', { rules: [named, ...rules('pods')] });
  await bind('ClusterRoleBinding', 'b', 'ClusterRole r', asUser);
  t.ok(may(jane, 'get', 'secrets', 'a', 'mine').allowed);
  t.ok(may(jane, 'get', 'secrets', 'a', 'ours').allowed);
  t.notOk(may(jane, 'get', 'secrets', 'a', 'theirs').allowed);
  t.notOk(may(jane, 'list', 'secrets', 'a').allowed);
  t.notOk(may(jane, 'get', 'secrets', 'a', 'constructor').allowed);
  t.ok(may(jane, 'get', 'pods', 'a', 'theirs').allowed);
});

t.test('a given policy holds beside the stored one until it is dropped', async (t) => {
  const storage = createMemoryStorage();
  const cache = await WatchCache.start(storage, { prefix: '/registry/' });
  const role = { apiVersion, kind: 'ClusterRole', metadata: { name: 'r' }, rules: rules('pods') };
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: 'r' };
  const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'b' }, roleRef };
  const rbac = new Rbac(cache, policyOf([role, { ...binding, subjects: [asUser] }]));
  t.teardown(() => {
    rbac.close();
    cache.close();
    return storage.close();
  });
  const asked = { user: jane, verb: 'get', group: '', resource: 'pods', namespace: 'a' };
  t.ok(rbac.decide(asked).allowed);
  rbac.dropFallback();
  t.notOk(rbac.decide(asked).allowed);
});
