/** A node's certificates, asked of the cluster: one to speak with (client), one to be spoken to (server). */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyPair } from '#api/pki/certificate.ts';
import { makeRequest } from '#api/pki/make-request.ts';
import { writeSecret } from '#api/pki/secret-file.ts';

/** How the requester shows who it is. */
export type Credential =
  | { readonly bearer: string }
  | { readonly cert: string; readonly key: string };

export interface Place {
  readonly server: URL;
  /** PEM. */
  readonly ca: string;
}

export interface Signed {
  /** PEM, as `key`. */
  readonly certificate: string;
  readonly key: string;
}

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const lifetimeSeconds = 90 * 24 * 3600;
const deadlineMs = 60_000;
const pollMs = 100;

interface Csr {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  };
}

/** One request to the API; a refusal is thrown in the server's words. */
export function call(
  { server, ca }: Place,
  credential: Credential,
  {
    method,
    path,
    body,
  }: { readonly method: string; readonly path: string; readonly body?: unknown },
): Promise<unknown> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const auth =
    'bearer' in credential
      ? {
          headers: {
            authorization: `Bearer ${credential.bearer}`,
            'content-type': 'application/json',
          },
        }
      : {
          cert: credential.cert,
          key: credential.key,
          headers: { 'content-type': 'application/json' },
        };
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, server),
      { method, ca, agent: false, timeout: 15_000, ...auth },
      (answer) => {
        let got = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          got += piece;
        });
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 400) return resolve(JSON.parse(got));
          const { message = got } = JSON.parse(got || '{}') as { message?: string };
          reject(new Error(`${method} ${path}: ${answer.statusCode} ${message}`));
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer in 15 s')));
    asked.on('error', reject);
    asked.end(text);
  });
}

/** Asks for a certificate and waits until it is signed. @throws Error with why it is not */
export async function obtain(
  place: Place,
  credential: Credential,
  { nodeName, use }: { readonly nodeName: string; readonly use: 'client' | 'server' },
): Promise<Signed> {
  const pair = await createKeyPair();
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  const names = use === 'server' ? { dnsNames: [nodeName] } : {};
  const signer = use === 'server' ? 'kubelet-serving' : 'kube-apiserver-client-kubelet';
  const wanted = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'node-csr-' },
    spec: {
      request: Buffer.from(makeRequest({ subject, ...names }, pair)).toString('base64'),
      signerName: `kubernetes.io/${signer}`,
      usages: ['digital signature', `${use} auth`],
      expirationSeconds: lifetimeSeconds,
    },
  };
  const made = (await call(place, credential, { method: 'POST', path, body: wanted })) as Csr;
  const certificate = await untilSigned(place, credential, made.metadata.name);
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { certificate, key };
}

async function untilSigned(place: Place, credential: Credential, name: string): Promise<string> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const csr = (await call(place, credential, { method: 'GET', path: `${path}/${name}` })) as Csr;
    const { certificate, conditions = [] } = csr.status ?? {};
    if (certificate !== undefined) return Buffer.from(certificate, 'base64').toString();
    const refused = conditions.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused !== undefined)
      throw new Error(
        `the certificate request ${name} was refused: ${refused.message ?? refused.type}`,
      );
    if (Date.now() > deadline)
      throw new Error(
        `the certificate request ${name} was not signed in a minute: 'kubectl describe csr ${name}'`,
      );
    await sleep(pollMs);
  }
}

export const fileNames = { client: 'node', server: 'node-serving' } as const;

/** Keeps a certificate with its key; the key is written first, so that a crash leaves a pair that does not match. */
export async function keep(pki: string, name: string, { certificate, key }: Signed): Promise<void> {
  await writeSecret(join(pki, `${name}.key`), key);
  await writeSecret(join(pki, `${name}.crt`), certificate);
}

/** What is kept, if it is whole and not over. */
export async function kept(
  pki: string,
  name: string,
  now = Date.now(),
): Promise<Signed | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(join(pki, `${name}.crt`), 'utf8'),
      readFile(join(pki, `${name}.key`), 'utf8'),
    ]);
    return new X509Certificate(certificate).validToDate.getTime() > now
      ? { certificate, key }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds since the epoch: when two thirds of its time have passed. */
export function renewalTime(certificate: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return from + ((to - from) * 2) / 3;
}
