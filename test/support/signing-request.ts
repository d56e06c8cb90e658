/** Requests for certificates as clients make them. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import * as der from '#api/pki/der.ts';

export interface Wanted {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  /** Signed with another key than the one it is for. */
  readonly forged?: true;
}

export interface Made {
  /** PEM, as base64: what `spec.request` holds. */
  readonly request: string;
  readonly pem: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const attribute = (type: string, value: string) =>
  der.set(der.sequence(der.oid(type), der.utf8(value)));

export function signingRequest(wanted: Wanted = {}): Made {
  const { commonName = '', organizations = [], dnsNames = [], uris = [], forged } = wanted;
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { publicKey, privateKey } = pair();
  const names = [
    ...dnsNames.map((name) => der.context(2, 'primitive', Buffer.from(name))),
    ...uris.map((name) => der.context(6, 'primitive', Buffer.from(name))),
  ];
  const extension = der.sequence(der.oid('2.5.29.17'), der.octets(der.sequence(...names)));
  const asked = der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(der.sequence(extension)));
  const body = der.sequence(
    der.integer(Buffer.from([0])),
    der.sequence(
      ...organizations.map((name) => attribute('2.5.4.10', name)),
      attribute('2.5.4.3', commonName),
    ),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.context(0, 'constructed', ...(names.length > 0 ? [asked] : [])),
  );
  const signature = sign('sha256', body, forged === true ? pair().privateKey : privateKey);
  const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
  const base64 = der.sequence(body, algorithm, der.bits(signature)).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  const pem = [
    '-----BEGIN CERTIFICATE REQUEST-----',
    ...lines,
    '-----END CERTIFICATE REQUEST-----',
    '',
  ].join('\n');
  return { request: Buffer.from(pem).toString('base64'), pem, privateKey, publicKey };
}
