/** CertificateSigningRequests on the wire: what is refused, and who may decide and sign. */
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';
import { signingRequest } from '../../support/signing-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const good = signingRequest({ commonName: 'jane' }).request;
const csr = (name: string, spec: object) => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name },
  spec: { request: good, signerName: 'example.com/signer', usages: ['client auth'], ...spec },
});
const as = (user: string) => ({ 'impersonate-user': user, 'impersonate-group': 'devs' });

t.test('what is wrong is told by its field', async (t) => {
  const text = (content: string) => Buffer.from(content).toString('base64');
  const cases: [object, string][] = [
    [{ request: text('no PEM') }, 'spec.request: Invalid value'],
    [{ signerName: 'kubernetes.io/legacy-unknown' }, 'the legacy signerName is not allowed'],
    [{ signerName: 'unqualified/x' }, 'must be a fully qualified domain and path'],
    [{ signerName: 'example.com' }, 'must be a fully qualified domain and path'],
    [{ usages: [] }, 'spec.usages: Required value'],
    [{ usages: ['client auth', 'client auth'] }, 'spec.usages[1]: Duplicate value: "client auth"'],
    [{ usages: ['to fly'] }, 'spec.usages[0]: Unsupported value: "to fly"'],
    [{ expirationSeconds: 599 }, 'may not specify a duration less than 600 seconds'],
  ];
  for (const [spec, why] of cases) {
    const answer = await raw(server, 'POST', path, { body: csr('bad', spec) });
    t.equal(answer.status, 422, answer.text);
    t.ok(answer.json.message.includes(why), answer.json.message);
  }
  const masters = signingRequest({ commonName: 'x', organizations: ['system:masters'] }).request;
  const signerName = 'kubernetes.io/kube-apiserver-client';
  const refused = await raw(server, 'POST', path, {
    body: csr('bad', { request: masters, signerName }),
  });
  t.equal(refused.status, 403);
  t.match(refused.json.message, /signer with system:masters group is not allowed/);
});

t.test('who asks is not theirs to say, and nothing of it can be changed', async (t) => {
  const made = await raw(server, 'POST', path, {
    body: {
      ...csr('own', { username: 'root', groups: ['system:masters'] }),
      status: { certificate: 'eA==' },
    },
  });
  t.equal(made.status, 201, made.text);
  t.equal(made.json.spec.username, 'kubernetes-admin');
  t.same(made.json.status, {});
  const changed = await raw(server, 'PUT', `${path}/own`, {
    body: { ...made.json, spec: { ...made.json.spec, signerName: 'example.com/other' } },
  });
  t.equal(changed.json.spec.signerName, 'example.com/signer');
});

const approved = { type: 'Approved', status: 'True', reason: 'Yes', message: 'because' };

t.test('an approval needs the right on the signer; signing another one', async (t) => {
  const rule = (verb: string, name: string) => ({
    apiGroups: ['certificates.k8s.io'],
    resources: ['signers'],
    resourceNames: [name],
    verbs: [verb],
  });
  const change = {
    apiGroups: ['certificates.k8s.io'],
    resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
    verbs: ['update', 'patch'],
  };
  const grant = async (user: string, ...rules: object[]) => {
    const metadata = { name: user };
    const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user };
    await raw(server, 'POST', `${rbac}/clusterroles`, { body: { metadata, rules } });
    await raw(server, 'POST', `${rbac}/clusterrolebindings`, {
      body: { metadata, subjects, roleRef },
    });
  };
  await grant('nobody', change);
  await grant('approver', change, rule('approve', 'example.com/*'));
  await grant('signer', change, rule('sign', 'example.com/signer'));
  await raw(server, 'POST', path, { body: csr('asked', {}) });
  const approve = (user: string) =>
    raw(server, 'PATCH', `${path}/asked/approval`, {
      headers: { ...as(user), 'content-type': 'application/merge-patch+json' },
      body: { status: { conditions: [approved] } },
    });
  for (const user of ['nobody', 'signer']) {
    const answer = await approve(user);
    t.equal(answer.status, 403);
    t.match(answer.json.message, /not permitted to approve requests with signerName "example.com/);
  }
  const sign = (user: string, status: object) =>
    raw(server, 'PATCH', `${path}/asked/status`, {
      headers: { ...as(user), 'content-type': 'application/merge-patch+json' },
      body: { status },
    });
  const done = await approve('approver');
  t.equal(done.status, 200, done.text);
  t.match(done.json.status.conditions[0], {
    type: 'Approved',
    lastUpdateTime: /Z$/,
    lastTransitionTime: /Z$/,
  });
  const certificate = Buffer.from(
    (await import('node:fs')).readFileSync(`${server.pki}/ca.crt`),
  ).toString('base64');
  t.equal((await sign('approver', { certificate })).status, 403);
  t.equal((await sign('signer', { certificate: 'eA==' })).status, 422, 'no certificate');
  const signed = await sign('signer', { certificate });
  t.equal(signed.status, 200, signed.text);
  t.equal(signed.json.status.conditions.length, 1);
  t.match(
    (await sign('signer', { certificate: '' })).json.message,
    /may not clear existing certificate/,
  );
});

t.test('a decision stays, is one of two, and is made through /approval alone', async (t) => {
  await raw(server, 'POST', path, { body: csr('decided', {}) });
  const put = async (subresource: string, status: object) => {
    const { json } = await raw(server, 'GET', `${path}/decided`);
    return raw(server, 'PUT', `${path}/decided${subresource}`, { body: { ...json, status } });
  };
  const denied = { ...approved, type: 'Denied' };
  t.match(
    (await put('/status', { conditions: [approved] })).json.message,
    /may not add a condition of type "Approved"/,
  );
  t.match(
    (await put('/approval', { conditions: [approved, denied] })).json.message,
    /mutually exclusive/,
  );
  t.match(
    (await put('/approval', { conditions: [{ ...approved, status: 'False' }] })).json.message,
    /Unsupported value: "False"/,
  );
  const own = await put('/approval', { conditions: [denied], certificate: 'eA==' });
  t.equal(own.status, 200, own.text);
  t.equal(own.json.status.certificate, undefined, 'an approval is no certificate');
  t.match((await put('/approval', {})).json.message, /may not remove a condition of type "Denied"/);
  const status = await put('/status', { conditions: [{ ...denied, reason: 'Other' }] });
  t.equal(status.status, 200);
  t.equal(status.json.status.conditions[0].reason, 'Yes', 'the status keeps what was decided');
});
