import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { createKeyPair, selfSigned } from '#api/pki/certificate.ts';
import { certificateSigningRequests } from '#api/resources/resource-types.ts';
import type { CertificateSigningRequest } from '#api/resources/types.ts';
import { certificatesController } from '#controller/certificates/controller.ts';
import { survivesCrashes } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { signingRequest } from '../../support/signing-request.ts';

const pair = await createKeyPair();
const authority = {
  certificate: selfSigned({ commonName: 'ca', organizations: [] }, pair, 1),
  key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
};

const request = (commonName: string) =>
  signingRequest({ commonName, organizations: ['system:nodes'] }).request;
const requests = {
  node: request('system:node:n1'),
  wrong: request('somebody'),
};

const approved = { type: 'Approved', status: 'True', reason: 'Test' };

function csr(name: keyof typeof requests | string, spec: object, conditions: object[] = []) {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: requests.node,
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
      username: 'system:node:n1',
      ...spec,
    },
    status: { conditions },
  } as ApiObject;
}

/** The API, which answers reviews with yes and knows how requests are approved. */
function approving(): MemoryApi {
  const api = memoryApi();
  const request: MemoryApi['request'] = async (method, path, body) => {
    api.requests.push(`${method} ${path}`);
    if (path.endsWith('/subjectaccessreviews')) return { status: { allowed: true } };
    return api.collection(certificateSigningRequests).updateStatus(body as ApiObject);
  };
  api.seed(
    certificateSigningRequests,
    csr('node', {}),
    csr('wrong', { request: requests.wrong }, [approved]),
    csr('foreign-signer', { signerName: 'example.com/theirs' }, [approved]),
    csr('denied', {}, [{ ...approved, type: 'Denied' }]),
    csr('foreign-waiting', { usages: ['any'] }),
  );
  return Object.assign(api, { request });
}

const told = ({ metadata, status }: CertificateSigningRequest) =>
  [
    metadata.name,
    ...(status?.conditions ?? []).map(({ type }) => type),
    ...(status?.certificate === undefined ? [] : ['certificate']),
  ].join(' ');

t.test('a crash at any write approves once, signs what is approved, refuses what is wrong', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [certificatesController(async () => authority)],
      api: approving,
      // What signs is loaded with the first request, in real time.
      steps: [() => import('#controller/certificates/sign.ts')],
      picture: (api) =>
        (api.store.all(certificateSigningRequests) as CertificateSigningRequest[]).map(told),
      foreign: /foreign/,
      never: (api) => {
        const all = api.store.all(certificateSigningRequests) as CertificateSigningRequest[];
        const unapproved = all.find(
          ({ status }) => status?.certificate && status.conditions?.[0]?.type !== 'Approved',
        );
        return unapproved && `${unapproved.metadata.name} is signed and was not approved`;
      },
    },
    {
      writes: 4,
      end: [
        'denied Denied',
        'foreign-signer Approved',
        'foreign-waiting',
        'node Approved certificate',
        'wrong Approved Failed',
      ],
    },
  ),
);

t.test('a crash at any write deletes what has served its time, and only that', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [certificatesController(async () => authority)],
      api: approving,
      steps: [
        () => import('#controller/certificates/sign.ts'),
        (_, clock) => clock.advance(3_601_000),
      ],
      picture: (api) =>
        (api.store.all(certificateSigningRequests) as CertificateSigningRequest[]).map(told),
      foreign: /foreign/,
    },
    { writes: 7, end: ['foreign-signer Approved', 'foreign-waiting'] },
  ),
);
