/**
 * X.509 certificates (RFC 5280) with ECDSA keys on P-256: the authority's own and those it signs. A P-256 handshake
 * costs the server about two thirds of an RSA-2048 one.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import * as der from './der.ts';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Identity {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

export interface Request {
  /** As DER: a name with all that its owner has asked for. */
  readonly subject: Identity | Buffer;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly usages: readonly ('server' | 'client')[];
  /** Host names and addresses a server is reached by. */
  readonly hosts: readonly string[];
  /** The extension's value in place of `hosts`, as DER. */
  readonly alternativeNames?: Buffer | undefined;
  /** Whether keys may be encrypted to it, as RSA handshakes without Diffie-Hellman do. */
  readonly encipherment?: boolean;
}

const generate = promisify(generateKeyPair);

export function createKeyPair(): Promise<KeyPair> {
  return generate('ec', { namedCurve: 'P-256' });
}

const ecdsaWithSha256 = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const usageOids = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
const millisecondsADay = 24 * 60 * 60 * 1000;

/** Organizations come first, as in certificates that Go's crypto/x509 makes. */
function distinguishedName({ commonName, organizations }: Identity): Buffer {
  const attribute = (type: string, value: string) => der.sequence(der.oid(type), der.utf8(value));
  return der.sequence(
    ...organizations.map((organization) => der.set(attribute('2.5.4.10', organization))),
    der.set(attribute('2.5.4.3', commonName)),
  );
}

const extension = (id: string, value: Buffer, { critical = false } = {}): Buffer =>
  der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value));

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** RFC 5280 section 4.2.1.2, method 1 with the whole SubjectPublicKeyInfo. */
const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest();

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const alternativeName = (host: string): Buffer =>
  isIPv4(host) || isIPv6(host)
    ? der.context(7, 'primitive', addressBytes(host))
    : der.context(2, 'primitive', Buffer.from(host));

interface Content {
  readonly subject: Identity | Buffer;
  readonly issuer: Identity | Buffer;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly extensions: readonly Buffer[];
}

/** Valid from five minutes ago, for machines whose clocks differ a little. */
function signed(content: Content, signer: KeyObject): string {
  const { subject, issuer, publicKey, days, extensions } = content;
  const start = Date.now() - 5 * 60 * 1000;
  const body = der.sequence(
    der.context(0, 'constructed', der.integer(Buffer.from([2]))),
    der.integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    Buffer.isBuffer(issuer) ? issuer : distinguishedName(issuer),
    der.sequence(der.time(new Date(start)), der.time(new Date(start + days * millisecondsADay))),
    Buffer.isBuffer(subject) ? subject : distinguishedName(subject),
    spki(publicKey),
    der.context(3, 'constructed', der.sequence(...extensions)),
  );
  const signature = der.bits(sign('sha256', body, signer));
  const base64 = der.sequence(body, ecdsaWithSha256, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** A certificate authority's own certificate, PEM. */
export function selfSigned(subject: Identity, pair: KeyPair, days: number): string {
  const extensions = [
    extension('2.5.29.19', der.sequence(der.boolean(true)), { critical: true }),
    // digitalSignature, keyCertSign, cRLSign: bits 0, 5 and 6.
    extension('2.5.29.15', der.bits(Buffer.from([0b1000_0110]), 1), { critical: true }),
    extension('2.5.29.14', der.octets(keyId(pair.publicKey))),
  ];
  const { publicKey } = pair;
  return signed({ subject, issuer: subject, publicKey, days, extensions }, pair.privateKey);
}

/** digitalSignature, and keyEncipherment where it is asked for: bits 0 and 2. */
const keyUsage = ({ encipherment = false }: Request): Buffer =>
  encipherment ? der.bits(Buffer.from([0b1010_0000]), 5) : der.bits(Buffer.from([0b1000_0000]), 7);

/** A certificate for `request`, signed by the authority, PEM. */
export function issue(request: Request, authority: Authority): string {
  const authorityCertificate = new X509Certificate(authority.certificate);
  const authorityId = keyId(createPublicKey(authority.key));
  const extensions = [
    extension('2.5.29.15', keyUsage(request), { critical: true }),
    extension('2.5.29.37', der.sequence(...request.usages.map((use) => der.oid(usageOids[use])))),
    extension('2.5.29.14', der.octets(keyId(request.publicKey))),
    extension('2.5.29.35', der.sequence(der.context(0, 'primitive', authorityId))),
  ];
  const hosts = request.hosts.map(alternativeName);
  const names = request.alternativeNames ?? (hosts.length > 0 && der.sequence(...hosts));
  if (names) extensions.push(extension('2.5.29.17', names));
  const issuer = identityOf(authorityCertificate);
  return signed({ ...request, issuer, extensions }, authority.key);
}

/** Common name and organizations of a certificate's subject. */
export function identityOf(certificate: X509Certificate): Identity {
  const lines = certificate.subject.split('\n');
  const values = (prefix: string) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  return { commonName: values('CN=')[0] ?? '', organizations: values('O=') };
}
