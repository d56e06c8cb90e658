/** Requests for certificates (PKCS #10, RFC 2986), as a node makes them. */
import { type KeyObject, sign } from 'node:crypto';
import type { Identity, KeyPair } from './certificate.ts';
import * as der from './der.ts';

export interface RequestOptions {
  readonly subject: Identity;
  /** Of a server's certificate. */
  readonly dnsNames?: readonly string[];
}

const attribute = (type: string, value: string) =>
  der.set(der.sequence(der.oid(type), der.utf8(value)));

/** The extensions that are asked for (RFC 2985 section 5.4.2): the names of a server. */
function asked(dnsNames: readonly string[]): readonly Buffer[] {
  if (dnsNames.length === 0) return [];
  const names = dnsNames.map((name) => der.context(2, 'primitive', Buffer.from(name)));
  const extension = der.sequence(der.oid('2.5.29.17'), der.octets(der.sequence(...names)));
  return [der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(der.sequence(extension)))];
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** PEM, signed with the key that it is for. */
export function makeRequest({ subject, dnsNames = [] }: RequestOptions, pair: KeyPair): string {
  const body = der.sequence(
    der.integer(Buffer.from([0])),
    der.sequence(
      ...subject.organizations.map((name) => attribute('2.5.4.10', name)),
      attribute('2.5.4.3', subject.commonName),
    ),
    spki(pair.publicKey),
    der.context(0, 'constructed', ...asked(dnsNames)),
  );
  const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
  const signature = der.bits(sign('sha256', body, pair.privateKey));
  const base64 = der.sequence(body, algorithm, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  const edge = (word: string) => `-----${word} CERTIFICATE REQUEST-----`;
  return [edge('BEGIN'), ...lines, edge('END'), ''].join('\n');
}
