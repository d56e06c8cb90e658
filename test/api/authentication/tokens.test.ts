/** Tokens of service accounts against a server: given, used, refused, gone with what they are bound to. */
import { createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { pod } from '../../support/objects.ts';
import { type RawOptions, raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const call = (method: string, path: string, body?: unknown, more: RawOptions = {}) =>
  raw(server, method, path, { ...(body === undefined ? {} : { body }), ...more });
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const pods = '/api/v1/namespaces/default/pods';
const reviews = '/apis/authentication.k8s.io/v1/tokenreviews';
const issuer = 'https://kubernetes.default.svc.cluster.local';

const makeAccount = async (name: string) =>
  (await call('POST', accounts, { metadata: { name } })).json.metadata;
const request = (name: string, spec: object = {}) =>
  call('POST', `${accounts}/${name}/token`, { spec: { audiences: [], ...spec } });
const tokenFor = async (name: string, spec: object = {}): Promise<string> =>
  (await request(name, spec)).json.status.token;
/** The answer to a question that every known user may ask. */
const use = (token: string) =>
  call(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    {},
    {
      identity: '',
      headers: { authorization: `Bearer ${token}` },
    },
  );
const claims = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

t.test('a token says whose it is, for whom and how long, and is taken', async (t) => {
  const { uid } = await makeAccount('one');
  const { status, json } = await request('one', { expirationSeconds: 1200 });
  t.equal(status, 201);
  const said = claims(json.status.token);
  t.match(said, {
    iss: issuer,
    aud: [issuer],
    sub: 'system:serviceaccount:default:one',
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'one', uid } },
    jti: /^[0-9a-f-]{36}$/,
  });
  t.equal(said.exp - said.iat, 1200);
  t.equal(said.nbf, said.iat);
  t.equal(Date.parse(json.status.expirationTimestamp), said.exp * 1000);
  t.match((await use(json.status.token)).json.status.userInfo, {
    username: 'system:serviceaccount:default:one',
    uid,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${said.jti}`] },
  });
});

t.test('a request that cannot be granted is told why', async (t) => {
  await makeAccount('two');
  t.equal((await request('nobody')).status, 404);
  const short = await request('two', { expirationSeconds: 599 });
  t.equal(short.status, 422);
  t.match(short.json.message, /may not specify a duration less than 10 minutes/);
  const bound = (reference: object) => request('two', { boundObjectRef: reference });
  t.equal((await bound({ apiVersion: 'v1', kind: 'Pod', name: 'absent' })).status, 404);
  t.equal((await bound({ apiVersion: 'v1', kind: 'ConfigMap', name: 'x' })).status, 400);
  await call('POST', pods, pod('other'));
  const foreign = await bound({ apiVersion: 'v1', kind: 'Pod', name: 'other' });
  t.match(foreign.json.message, /pod running with different serviceaccount name/);
  await call('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' } });
  const late = await bound({ apiVersion: 'v1', kind: 'Secret', name: 's', uid: 'earlier' });
  t.equal(late.status, 409);
  t.match(late.json.message, /might have been deleted and then recreated/);
});

t.test('a token ends with its pod, its account and another of the same name', async (t) => {
  await makeAccount('three');
  const robot = { ...pod('p'), spec: { ...pod('p').spec, serviceAccountName: 'three' } };
  await call('POST', pods, robot);
  const reference = { apiVersion: 'v1', kind: 'Pod', name: 'p' };
  const ofPod = await tokenFor('three', { boundObjectRef: reference });
  t.match((await use(ofPod)).json.status.userInfo.extra, {
    'authentication.kubernetes.io/pod-name': ['p'],
  });
  await call('DELETE', `${pods}/p`, { gracePeriodSeconds: 0 });
  t.equal((await use(ofPod)).status, 401);
  await call('POST', pods, robot);
  t.equal((await use(ofPod)).status, 401, 'the next pod of the name is another one');

  const own = await tokenFor('three');
  t.equal((await use(own)).status, 201);
  await call('DELETE', `${accounts}/three`);
  t.equal((await use(own)).status, 401);
  await makeAccount('three');
  t.equal((await use(own)).status, 401);
});

t.test('a forged token is refused, whatever it says of itself', async (t) => {
  await makeAccount('four');
  const token = await tokenFor('four');
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const publicKey = readFileSync(join(server.pki, 'service-account.pub'));
  const hmac = (content: string) =>
    createHmac('sha256', publicKey).update(content).digest('base64url');
  const confused = `${encode({ alg: 'HS256', kid })}.${payload}`;
  const cases: Record<string, string> = {
    'no algorithm': `${encode({ alg: 'none', kid })}.${payload}.`,
    'no algorithm, with the signature': `${encode({ alg: 'none', kid })}.${payload}.${signature}`,
    'the public key as a secret': `${confused}.${hmac(confused)}`,
    'another key': `${encode({ alg: 'ES256', kid: 'x' })}.${payload}.${signature}`,
    'no key': `${encode({ alg: 'ES256' })}.${payload}.${signature}`,
    'other claims': `${header}.${encode({ ...claims(token), sub: 'system:admin' })}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'a cut signature': token.slice(0, -4),
    'four parts': `${token}.x`,
    'no parts': 'nonsense',
    'no JSON': `${header}.e30x.${signature}`,
    'a key of the prototype': `${encode({ alg: 'ES256', kid: '__proto__' })}.${payload}.${signature}`,
  };
  for (const [what, forged] of Object.entries(cases))
    t.equal((await use(forged)).status, 401, what);
  t.equal((await use(token)).status, 201);
});

t.test('a token for others is not taken here; a review says whom it is for', async (t) => {
  await makeAccount('five');
  const token = await tokenFor('five', { audiences: ['vault', 'shop'] });
  t.equal((await use(token)).status, 401);
  const review = async (spec: object) =>
    (await call('POST', reviews, { spec: { token, ...spec } })).json.status;
  t.match(await review({}), { error: /another audience/ });
  t.match(await review({ audiences: ['shop', 'bank'] }), {
    authenticated: true,
    audiences: ['shop'],
    user: { username: 'system:serviceaccount:default:five' },
  });
  t.notOk((await review({ audiences: ['bank'] })).authenticated);
  t.equal((await call('POST', reviews, { spec: { token: '' } })).status, 400);
});

t.test('anybody with an account can check tokens with the published keys', async (t) => {
  await makeAccount('six');
  const token = await tokenFor('six');
  const headers = { authorization: `Bearer ${token}` };
  const get = (path: string) => call('GET', path, undefined, { identity: '', headers });
  const found = await get('/.well-known/openid-configuration');
  t.equal(found.json.issuer, issuer);
  const { pathname } = new URL(found.json.jwks_uri);
  const keys: JsonWebKey[] = (await get(pathname)).json.keys;
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const jwk = keys.find((one) => one['kid'] === kid);
  t.notOk(jwk?.['d'], 'the private half stays here');
  const key = createPublicKey({ key: jwk ?? {}, format: 'jwk' });
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  const bytes = Buffer.from(signature, 'base64url');
  t.ok(verify('sha256', Buffer.from(`${header}.${payload}`), options, bytes));
  t.equal((await call('GET', pathname, undefined, { identity: '' })).status, 403);
});

t.test('a bootstrap token is its Secret, while that lasts', async (t) => {
  const make = (id: string, more: Record<string, string>) =>
    call('POST', '/api/v1/namespaces/kube-system/secrets', {
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': id,
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-authentication': 'true',
        ...more,
      },
    });
  await make('abcdef', { 'auth-extra-groups': 'system:bootstrappers:workers,system:masters' });
  await make('aaaaaa', { expiration: '2020-01-01T00:00:00Z' });
  await make('bbbbbb', { 'usage-bootstrap-authentication': 'false' });
  t.match((await use('abcdef.0123456789abcdef')).json.status.userInfo, {
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
  });
  t.equal((await use('abcdef.0123456789abcdee')).status, 401);
  t.equal((await use('aaaaaa.0123456789abcdef')).status, 401);
  t.equal((await use('bbbbbb.0123456789abcdef')).status, 401);
});
