/** Who asks, and what they may: the reviews, and the keys by which others check our tokens. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import t from 'tap';
import { raw } from '../support/raw-request.ts';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const authorization = '/apis/authorization.k8s.io/v1';
await api.post(accounts, { metadata: { name: 'one' } });
const token = async (spec: object): Promise<string> =>
  (await api.post(`${accounts}/one/token`, { spec })).json.status.token;
const asOne = async () => ({
  identity: '',
  headers: { authorization: `Bearer ${await token({})}` },
});

t.test(
  'ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer',
  async (t) => {
    const own = await asOne();
    const found = await raw(api.server, 'GET', '/.well-known/openid-configuration', own);
    t.equal(found.headers['content-type'], 'application/json');
    const { issuer, jwks_uri, id_token_signing_alg_values_supported: algorithms } = found.json;
    const keys = await raw(api.server, 'GET', new URL(jwks_uri).pathname, own);
    t.equal(keys.headers['content-type'], 'application/jwk-set+json');
    const audience = 'oidc-discovery-test';
    const [head = '', body = '', signature = ''] = (await token({ audiences: [audience] })).split(
      '.',
    );
    const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
    t.ok(algorithms.includes(alg));
    const jwk = keys.json.keys.find((key: { kid: string }) => key.kid === kid);
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const signed = Buffer.from(`${head}.${body}`);
    const how = { key, dsaEncoding: 'ieee-p1363' } as const;
    t.ok(verify('sha256', signed, how, Buffer.from(signature, 'base64url')));
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    t.match(claims, { iss: issuer, aud: [audience], sub: 'system:serviceaccount:default:one' });
  },
);

t.test(
  'ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview',
  async (t) => {
    const review = async (spec: object) =>
      (await api.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec })).json.status;
    const expirationSeconds = 3600;
    const good = await review({ token: await token({ expirationSeconds }) });
    t.match(good, { authenticated: true, user: { username: 'system:serviceaccount:default:one' } });
    t.notOk(good.error);
    const bad = await review({ token: 'a.b.c' });
    t.notOk(bad.authenticated);
    t.ok(bad.error);
  },
);

t.test('SubjectReview should support SubjectReview API operations', async (t) => {
  const user = 'system:serviceaccount:default:one';
  const may = { namespace: 'default', verb: 'list', resource: 'configmaps', version: 'v1' };
  const status = async (path: string, spec: object, options: object = {}) => {
    const answer = await raw(api.server, 'POST', path, { body: { spec }, ...options });
    t.equal(answer.status, 201, answer.text);
    return answer.json.status;
  };
  const subject = () =>
    status(`${authorization}/subjectaccessreviews`, { user, resourceAttributes: may });
  const local = () =>
    status(`${authorization}/namespaces/default/localsubjectaccessreviews`, {
      user,
      resourceAttributes: may,
    });
  const own = await asOne();
  const self = () =>
    status(`${authorization}/selfsubjectaccessreviews`, { resourceAttributes: may }, own);
  const rules = () =>
    status(`${authorization}/selfsubjectrulesreviews`, { namespace: 'default' }, own);
  for (const ask of [subject, local, self]) t.equal((await ask()).allowed, false);

  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  await api.post(`${rbac}/roles`, {
    metadata: { name: 'views' },
    rules: [{ apiGroups: [''], verbs: ['get', 'list'], resources: ['configmaps', 'pods'] }],
  });
  await api.post(`${rbac}/rolebindings`, {
    metadata: { name: 'one-views' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'views' },
    subjects: [{ kind: 'ServiceAccount', name: 'one', namespace: 'default' }],
  });
  for (const ask of [subject, local, self]) {
    t.match(await ask(), { allowed: true, reason: /RoleBinding "one-views\/default"/ });
  }
  const held = (await rules()).resourceRules as { verbs: string[]; resources: string[] }[];
  t.ok(held.some(({ verbs, resources }) => verbs.includes('list') && resources.includes('pods')));
  const elsewhere = { ...may, namespace: 'kube-system' };
  const refused = await api.post(`${authorization}/namespaces/default/localsubjectaccessreviews`, {
    spec: { user, resourceAttributes: elsewhere },
  });
  t.ok(refused.status === 400 || refused.status === 422, refused.text);
  const other = await raw(api.server, 'POST', `${authorization}/subjectaccessreviews`, {
    body: { spec: { user, resourceAttributes: may } },
    ...own,
  });
  t.equal(other.status, 403, 'what others may is not for everybody to ask');
});

t.test('ServiceAccounts should allow opting out of API token automount', async (t) => {
  const own = await startApi({ serviceAccounts: true });
  t.teardown(() => own.server.close());
  const space = '/api/v1/namespaces/default';
  const said = { default: undefined, mount: true, nomount: false };
  for (const [account, automount] of Object.entries(said)) {
    const automountServiceAccountToken = automount;
    await own.post(`${space}/serviceaccounts`, {
      metadata: { name: `a-${account}` },
      automountServiceAccountToken,
    });
    for (const [pod, wanted] of Object.entries(said)) {
      const { json } = await own.post(`${space}/pods`, {
        metadata: { name: `pod-${account}-${pod}` },
        spec: {
          containers: [{ name: 'c', image: 'i' }],
          serviceAccountName: `a-${account}`,
          automountServiceAccountToken: wanted,
        },
      });
      const mounts: { mountPath: string }[] = json.spec.containers[0].volumeMounts ?? [];
      const path = '/var/run/secrets/kubernetes.io/serviceaccount';
      const isMounted = mounts.some(({ mountPath }) => mountPath === path);
      t.equal(isMounted, wanted ?? automount ?? true, `account ${account}, pod ${pod}`);
      t.equal((json.spec.volumes ?? []).length, isMounted ? 1 : 0);
    }
  }
});
