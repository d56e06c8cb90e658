/** OwnerReferencesPermissionEnforcement, which is off unless asked for. */
import t from 'tap';
import { createKinds } from '#api/schema/kinds.ts';
import { ApiServer } from '#api/server/server.ts';
import { startTestServer, type TestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const strict = await startTestServer(undefined, {
  enableAdmission: ['OwnerReferencesPermissionEnforcement'],
});
const usual = await startTestServer();
t.teardown(() => Promise.all([strict.close(), usual.close()]));
const space = '/api/v1/namespaces/default';
const maps = `${space}/configmaps`;
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';

/** Writes as an account that may do this. */
async function account(server: TestServer, name: string, rules: object[]) {
  const post = (path: string, body: object) => raw(server, 'POST', path, { body });
  await post(`${space}/serviceaccounts`, { metadata: { name } });
  await post(`${rbac}/roles`, { metadata: { name }, rules });
  await post(`${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name }],
  });
  const { json } = await post(`${space}/serviceaccounts/${name}/token`, { spec: {} });
  const authorization = `Bearer ${json.status.token}`;
  return (method: string, path: string, body: object) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { authorization, 'content-type': type };
    return raw(server, method, path, { body, headers, identity: '' });
  };
}

const write = { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'patch', 'get'] };
const remove = { apiGroups: [''], resources: ['configmaps'], verbs: ['delete'] };
const finalize = { apiGroups: ['apps'], resources: ['deployments/finalizers'], verbs: ['update'] };
const owner = (more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'web',
  uid: 'u1',
  ...more,
});
const owned = (name: string, ...ownerReferences: object[]) => {
  const map = configMap(name);
  return { ...map, metadata: { ...map.metadata, ownerReferences } };
};
const owners = (...ownerReferences: object[]) => ({ metadata: { ownerReferences } });

t.test('an owner is set by who may delete the object', async (t) => {
  const writes = await account(strict, 'writes', [write]);
  t.equal((await writes('POST', maps, owned('new', owner()))).status, 201, 'a new object');
  await writes('POST', maps, configMap('plain'));
  const refused = await writes('PATCH', `${maps}/plain`, owners(owner()));
  t.match(refused.json, {
    code: 403,
    message: /cannot set an ownerRef on a resource you can't delete/,
  });
  const same = await writes('PATCH', `${maps}/new`, { metadata: { labels: { a: 'b' } } });
  t.equal(same.status, 200, 'other changes are free');
  const removes = await account(strict, 'removes', [write, remove]);
  t.equal((await removes('PATCH', `${maps}/plain`, owners(owner()))).status, 200);
});

t.test('an owner is held up by who may do so to it', async (t) => {
  const blocking = owner({ blockOwnerDeletion: true });
  const writes = await account(strict, 'holds', [write, remove]);
  const refused = await writes('POST', maps, owned('blocking', blocking));
  t.match(refused.json, {
    code: 403,
    message: /refers to a resource you can't set finalizers on/,
  });
  t.equal((await writes('POST', maps, owned('later', owner()))).status, 201);
  t.equal((await writes('PATCH', `${maps}/later`, owners(blocking))).status, 403);
  const may = await account(strict, 'may-hold', [write, remove, finalize]);
  t.equal((await may('PATCH', `${maps}/later`, owners(blocking))).status, 200);
  const again = owners({ ...blocking, controller: true });
  t.equal((await writes('PATCH', `${maps}/later`, again)).status, 200, 'it was held up before');
  const strange = owner({ apiVersion: 'none.example.com/v1', blockOwnerDeletion: true });
  t.match((await may('POST', maps, owned('strange', strange))).json, {
    code: 403,
    message: /cannot find RESTMapping for APIVersion none.example.com\/v1/,
  });
});

t.test('unless asked for, it is off', async (t) => {
  const writes = await account(usual, 'writes', [write]);
  const blocking = owner({ blockOwnerDeletion: true });
  t.equal((await writes('POST', maps, owned('free', blocking))).status, 201);
  t.equal((await writes('PATCH', `${maps}/free`, owners(owner()))).status, 200);
});

t.test('what there is not cannot be switched on', async (t) => {
  const options = { address: '127.0.0.1', port: 0, pki: '/nowhere', kinds: createKinds() };
  const make = () => new ApiServer({ ...options, enableAdmission: ['AlwaysPullImages'] });
  t.throws(make, /there is no plug-in AlwaysPullImages .* OwnerReferencesPermissionEnforcement/);
});
