/** Certificates for approved requests, from the cluster's own authority. */
import { createPrivateKey } from 'node:crypto';
import { issue } from '#api/pki/certificate.ts';
import type { SigningRequest } from '#api/pki/signing-request.ts';

/** PEM texts. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Grant {
  readonly request: SigningRequest;
  readonly seconds: number;
  readonly usages: readonly string[];
}

const daySeconds = 24 * 3600;
/** A certificate is valid from five minutes ago. */
const earlierSeconds = 300;

/** The certificate, PEM as base64: what `status.certificate` holds. */
export function signedCertificate(
  { request, seconds, usages }: Grant,
  { certificate, key }: AuthorityFiles,
): string {
  const pem = issue(
    {
      subject: request.rawSubject,
      publicKey: request.publicKey,
      days: (seconds + earlierSeconds) / daySeconds,
      usages: [
        ...(usages.includes('server auth') ? (['server'] as const) : []),
        ...(usages.includes('client auth') ? (['client'] as const) : []),
      ],
      hosts: [],
      alternativeNames: request.rawNames,
      encipherment: usages.includes('key encipherment'),
    },
    { certificate, key: createPrivateKey(key) },
  );
  return Buffer.from(pem).toString('base64');
}
