/**
 * Certificates that name whoever held their key for a few minutes (Fulcio, docs/certificate-specification.md): who that
 * was, who vouches for it, and whether a certificate transparency log knows of it.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type Der, makeDer, oidText, readAllDer, readDer } from './der.ts';
import { isSignedBy, spki } from './keys.ts';

const ISSUER = '1.3.6.1.4.1.57264.1.8';
/** The issuer as it was written first: the bare text. */
const OLD_ISSUER = '1.3.6.1.4.1.57264.1.1';
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const MAX_CHAIN = 8;

export interface SigningCertificate {
  readonly x509: X509Certificate;
  /** The identity provider that knew them. */
  readonly issuer: string;
  /** Mail addresses and URIs. */
  readonly subjects: readonly string[];
}

/** @throws Error, RangeError when it is no certificate of this kind */
export function readSigningCertificate(der: Buffer): SigningCertificate {
  const x509 = new X509Certificate(der);
  const extensions = extensionsOf(x509.raw);
  const issuer = extensions.get(ISSUER);
  const old = extensions.get(OLD_ISSUER);
  const text =
    issuer === undefined ? old?.toString('utf8') : readDer(issuer).content.toString('utf8');
  if (text === undefined) throw new Error('the certificate names no issuer of identities');
  const names = extensions.get(SUBJECT_ALTERNATIVE_NAME);
  const subjects = names === undefined ? [] : readAllDer(readDer(names).content).flatMap(nameText);
  return { x509, issuer: text, subjects };
}

/** rfc822Name and uniformResourceIdentifier (RFC 5280 4.2.1.6). */
function nameText({ tag, content }: Der): readonly string[] {
  return tag === 0x81 || tag === 0x86 ? [content.toString('latin1')] : [];
}

/**
 * Why the certificate was not good at that moment; undefined when it was: made for signing, valid then, and vouched for by
 * one of the roots.
 */
export function distrust(
  { x509 }: SigningCertificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  at: Date,
): string | undefined {
  if (x509.ca) return 'its certificate is an authority’s, not a signer’s';
  if (!(x509.keyUsage ?? []).includes(CODE_SIGNING))
    return 'its certificate is not for signing code';
  if (!isValid(x509, at)) {
    return `its certificate was valid from ${x509.validFrom} to ${x509.validTo}, not at ${at.toISOString()}`;
  }
  const chain = chainOf(x509, [...between, ...roots], roots, at);
  return chain === undefined ? 'no authority of the policy vouches for its certificate' : undefined;
}

function isValid(certificate: X509Certificate, at: Date): boolean {
  return certificate.validFromDate <= at && at <= certificate.validToDate;
}

/** From who issued the certificate up to a root. */
function chainOf(
  certificate: X509Certificate,
  candidates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  at: Date,
  depth = 0,
): readonly X509Certificate[] | undefined {
  if (depth > MAX_CHAIN) return undefined;
  for (const issuer of candidates) {
    if (!issued(issuer, certificate) || !isValid(issuer, at)) continue;
    if (roots.includes(issuer)) return [issuer];
    const rest = candidates.filter((other) => other !== issuer);
    const above = chainOf(issuer, rest, roots, at, depth + 1);
    if (above !== undefined) return [issuer, ...above];
  }
  return undefined;
}

export function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Whether one of the logs has promised to publish the certificate (RFC 6962 3.2: the precertificate's entry). */
export function isLogged(
  { x509 }: SigningCertificate,
  issuers: readonly X509Certificate[],
  logs: readonly KeyObject[],
): boolean {
  const list = extensionsOf(x509.raw).get(SCT_LIST);
  const issuer = issuers.find((candidate) => issued(candidate, x509));
  if (list === undefined || issuer === undefined) return false;
  const issuerHash = createHash('sha256').update(spki(issuer.publicKey)).digest();
  const body = withoutExtension(x509.raw, SCT_LIST);
  const [high, middle, low] = [body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff];
  const entry = Buffer.concat([issuerHash, Buffer.from([high, middle, low]), body]);
  return timestamps(readDer(list).content).some((promise) => isPromise(promise, entry, logs));
}

/** The SCTs of a list: each and the whole have their length in two bytes before them. */
function timestamps(list: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 2; at + 2 <= list.length; ) {
    const length = list.readUInt16BE(at);
    found.push(list.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

/** version 1, log ID 32, time 8, extensions, hash and signature algorithm 1+1, signature. */
function isPromise(sct: Buffer, entry: Buffer, logs: readonly KeyObject[]): boolean {
  if (sct.length < 47 || sct[0] !== 0) return false;
  const id = sct.subarray(1, 33);
  const log = logs.find((key) => createHash('sha256').update(spki(key)).digest().equals(id));
  const extensionsEnd = 43 + sct.readUInt16BE(41);
  if (log === undefined || extensionsEnd + 4 > sct.length) return false;
  const time = sct.subarray(33, 41);
  const extensions = sct.subarray(41, extensionsEnd);
  // sct_version v1, signature_type certificate_timestamp, entry_type precert_entry.
  const signed = Buffer.concat([Buffer.from([0, 0]), time, Buffer.from([0, 1]), entry, extensions]);
  return isSignedBy(log, signed, sct.subarray(extensionsEnd + 4));
}

/** Of the TBSCertificate: its fields, the last of which is `[3] extensions`. */
function fieldsOf(certificate: Buffer): readonly Der[] {
  const [tbs] = readAllDer(readDer(certificate).content);
  return tbs === undefined ? [] : readAllDer(tbs.content);
}

function extensionElements(field: Der | undefined): readonly Der[] {
  return field === undefined || field.tag !== 0xa3
    ? []
    : readAllDer(readDer(field.content).content);
}

/** Contents (`extnValue`) by identifier. */
function extensionsOf(certificate: Buffer): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const { content } of extensionElements(fieldsOf(certificate).at(-1))) {
    const parts = readAllDer(content);
    found.set(
      oidText(parts[0]?.content ?? Buffer.alloc(0)),
      parts.at(-1)?.content ?? Buffer.alloc(0),
    );
  }
  return found;
}

/** The TBSCertificate as the log saw it, before its promise was put in. */
function withoutExtension(certificate: Buffer, oid: string): Buffer {
  const fields = fieldsOf(certificate);
  const kept = extensionElements(fields.at(-1)).filter(
    ({ content }) => oidText(readDer(content).content) !== oid,
  );
  const extensions = makeDer(0xa3, makeDer(0x30, ...kept.map(({ whole }) => whole)));
  return makeDer(0x30, ...fields.slice(0, -1).map(({ whole }) => whole), extensions);
}
