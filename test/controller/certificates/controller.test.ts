/** The controller against a real API server: from the request to a certificate that opens the door. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { certificateSigningRequests } from '#api/resources/resource-types.ts';
import type { CertificateSigningRequest } from '#api/resources/types.ts';
import { certificatesController } from '#controller/certificates/controller.ts';
import { endOf } from '#controller/certificates/plan.ts';
import { runControllers } from '#controller/runtime/world.ts';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';
import { signingRequest, type Wanted } from '../../support/signing-request.ts';

const server = await startTestServer();
const authority = async () => ({
  certificate: readFileSync(join(server.pki, 'ca.crt'), 'utf8'),
  key: readFileSync(join(server.pki, 'ca.key'), 'utf8'),
});
const running = runControllers(server.client('controller'), [
  certificatesController(authority),
]).subscribe();
t.teardown(async () => {
  running.unsubscribe();
  await server.close();
});

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const requests = server.client().collection<CertificateSigningRequest>(certificateSigningRequests);
const node = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const clientUsages = ['digital signature', 'client auth'];

interface Case {
  readonly name: string;
  readonly wanted: Wanted;
  readonly signer: string;
  readonly usages?: readonly string[];
  readonly seconds?: number;
  readonly identity?: string;
}

async function make({ name, wanted, signer, usages = clientUsages, seconds, identity }: Case) {
  const made = signingRequest(wanted);
  const spec = {
    request: made.request,
    signerName: `kubernetes.io/${signer}`,
    usages,
    ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
  };
  const body = { kind: 'CertificateSigningRequest', metadata: { name }, spec };
  const answer = await raw(server, 'POST', path, {
    body: { apiVersion: 'certificates.k8s.io/v1', ...body },
    ...(identity === undefined ? {} : { identity }),
  });
  t.equal(answer.status, 201, answer.text);
  return made;
}

async function approve(name: string) {
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: 'in a test' }];
  const csr = await requests.get({ name });
  const answer = await raw(server, 'PUT', `${path}/${name}/approval`, {
    body: { ...csr, status: { conditions } },
  });
  t.equal(answer.status, 200, answer.text);
}

/** The request once it says so. */
function until(
  name: string,
  holds: (csr: CertificateSigningRequest) => boolean,
): Promise<CertificateSigningRequest> {
  return new Promise((resolve, reject) => {
    const fieldSelector = `metadata.name=${name}`;
    const seen = requests.watch({ fieldSelector, timeoutSeconds: 20 }).subscribe({
      next: (event) => {
        if (event.type === 'BOOKMARK' || !holds(event.object)) return;
        seen.unsubscribe();
        resolve(event.object);
      },
      error: reject,
      complete: () => reject(new Error(`${name} did not become so`)),
    });
  });
}

const condition = (csr: CertificateSigningRequest, type: string) =>
  csr.status?.conditions?.find((one) => one.type === type);
const issued = async (name: string) => {
  const csr = await until(name, ({ status }) => status?.certificate !== undefined);
  return new X509Certificate(Buffer.from(csr.status?.certificate ?? '', 'base64'));
};

t.test("a node's own request is approved and signed without anybody being asked", async (t) => {
  const { publicKey } = await make({
    name: 'self',
    wanted: node,
    signer: 'kube-apiserver-client-kubelet',
    identity: 'node-n1',
  });
  const certificate = await issued('self');
  const csr = await requests.get({ name: 'self' });
  t.equal(csr.spec.username, 'system:node:n1');
  t.equal(condition(csr, 'Approved')?.reason, 'AutoApproved');
  t.match(certificate.subject, /O=system:nodes\nCN=system:node:n1/);
  t.ok(certificate.publicKey.equals(publicKey));
  t.ok(certificate.verify(new X509Certificate((await authority()).certificate).publicKey));
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
});

t.test(
  'an approved client gets a certificate that opens the door, for as long as asked',
  async (t) => {
    const wanted = { commonName: 'jane', organizations: ['devs'] };
    const { privateKey } = await make({
      name: 'jane',
      wanted,
      signer: 'kube-apiserver-client',
      seconds: 3600,
    });
    await approve('jane');
    const certificate = await issued('jane');
    const left = certificate.validToDate.getTime() - Date.now();
    t.ok(left > 3_500_000 && left <= 3_600_000, `${left} ms`);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(server.pki, 'jane.crt'), certificate.toString());
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(server.pki, 'jane.key'), pem);
    const review = await raw(server, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      identity: 'jane',
    });
    const { username, groups } = review.json.status.userInfo;
    t.same([username, groups], ['jane', ['devs', 'system:authenticated']]);
  },
);

t.test("a server's certificate has the names that were asked for", async (t) => {
  await make({
    name: 'serving',
    wanted: { ...node, dnsNames: ['n1', 'n1.internal'] },
    signer: 'kubelet-serving',
    usages: ['digital signature', 'server auth'],
    identity: 'node-n1',
  });
  t.equal((await requests.get({ name: 'serving' })).status?.conditions, undefined, 'not by itself');
  await approve('serving');
  t.equal((await issued('serving')).subjectAltName, 'DNS:n1, DNS:n1.internal');
});

t.test('a node that asks for its own name and no other is not kept waiting', async (t) => {
  await make({
    name: 'own-name',
    wanted: { ...node, dnsNames: ['n1'] },
    signer: 'kubelet-serving',
    usages: ['digital signature', 'server auth'],
    identity: 'node-n1',
  });
  t.equal((await issued('own-name')).subjectAltName, 'DNS:n1');
});

t.test('what a signer does not sign fails and says why', async (t) => {
  const cases: (Omit<Case, 'name'> & { readonly why: RegExp })[] = [
    {
      wanted: { ...node, forged: true },
      signer: 'kube-apiserver-client',
      why: /not signed with the key/,
    },
    { wanted: { commonName: 'n1' }, signer: 'kube-apiserver-client-kubelet', why: /organization/ },
    {
      wanted: { ...node, commonName: 'n1' },
      signer: 'kube-apiserver-client-kubelet',
      why: /common name/,
    },
    {
      wanted: { ...node, dnsNames: ['x'] },
      signer: 'kube-apiserver-client-kubelet',
      why: /alternative names are not allowed/,
    },
    {
      wanted: node,
      signer: 'kube-apiserver-client',
      usages: ['client auth', 'server auth'],
      why: /usages not permitted: server auth/,
    },
    {
      wanted: { ...node, dnsNames: ['n1'] },
      signer: 'kubelet-serving',
      usages: ['digital signature', 'server auth'],
      why: /requester is not the node/,
    },
    {
      wanted: node,
      signer: 'kubelet-serving',
      usages: ['digital signature', 'server auth'],
      identity: 'node-n1',
      why: /DNS or IP subject alternative name is required/,
    },
  ];
  for (const [index, { why, ...each }] of cases.entries()) {
    const name = `bad-${index}`;
    await make({ ...each, name });
    await approve(name);
    const csr = await until(name, (one) => condition(one, 'Failed') !== undefined);
    t.match(condition(csr, 'Failed')?.message, why);
    t.equal(csr.status?.certificate, undefined);
  }
});

t.test('requests go when they have served their time', async (t) => {
  const at = (type: string | undefined, certificate?: string) => {
    const creationTimestamp = '2026-01-01T00:00:00Z';
    const lastUpdateTime = '2026-01-01T02:00:00Z';
    const conditions = type === undefined ? [] : [{ type, status: 'True', lastUpdateTime }];
    return new Date(
      endOf({
        metadata: { name: 'a', creationTimestamp },
        spec: { signerName: 'a.b/c', request: '' },
        status: { conditions, ...(certificate === undefined ? {} : { certificate }) },
      } as unknown as CertificateSigningRequest),
    ).toISOString();
  };
  t.equal(at(undefined), '2026-01-02T00:00:00.000Z');
  t.equal(at('Approved'), '2026-01-02T00:00:00.000Z');
  t.equal(at('Approved', 'x'), '2026-01-01T03:00:00.000Z');
  t.equal(at('Denied'), '2026-01-01T03:00:00.000Z');
  t.equal(at('Failed'), '2026-01-01T03:00:00.000Z');
});
