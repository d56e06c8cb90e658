/** The description of a CertificateSigningRequest: who asks, and for which names. */
import { readSigningRequest } from '#api/pki/signing-request.ts';
import { humanDuration } from '#api/resources/duration.ts';
import { numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { inline, longTime, type Writer } from './writer.ts';

/** Titles of the parts of a subject's name by their object identifiers (X.520). */
const parts = {
  Organization: '2.5.4.10',
  'Organizational Unit': '2.5.4.11',
  Country: '2.5.4.6',
  Locality: '2.5.4.7',
  Province: '2.5.4.8',
  StreetAddress: '2.5.4.9',
  PostalCode: '2.5.4.17',
};
const serialNumber = '2.5.4.5';

/** The first beside the title, the others below it. */
function list(out: Writer, title: string, values: readonly string[]): void {
  values.forEach((value, index) => {
    out.line(0, index === 0 ? `\t${title}:\t${value}` : `\t\t${value}`);
  });
}

/** `Approved,Issued`. */
function statusText(status: unknown): string {
  const { conditions, certificate } = objectOr(status);
  const types = objectsOf(conditions).map(({ type }) => type);
  const decided = ['Approved', 'Denied'].filter((one) => types.includes(one));
  const shown = [decided.at(-1) ?? 'Pending'];
  if (types.includes('Failed')) shown.push('Failed');
  if (stringOr(certificate) !== '') shown.push('Issued');
  return shown.join(',');
}

export function describeCertificateRequest(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const asked = readSigningRequest(
    Buffer.from(stringOr(spec['request']), 'base64').toString('latin1'),
  );
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Labels', inline(metadata.labels));
  out.field(0, 'Annotations', inline(metadata.annotations));
  out.field(0, 'CreationTimestamp', longTime(metadata.creationTimestamp));
  out.field(0, 'Requesting User', stringOr(spec['username']));
  out.optional(0, 'Signer', spec['signerName']);
  if (spec['expirationSeconds'] !== undefined)
    out.field(0, 'Requested Duration', humanDuration(numberOr(spec['expirationSeconds']) * 1000));
  out.field(0, 'Status', statusText(object['status']));
  const of = (id: string) =>
    asked.attributes.filter(({ type }) => type === id).map(({ value }) => value);
  out.line(0, 'Subject:');
  out.line(0, `\tCommon Name:\t${asked.subject.commonName}`);
  out.line(0, `\tSerial Number:\t${of(serialNumber).at(-1) ?? ''}`);
  for (const [title, id] of Object.entries(parts)) list(out, title, of(id));
  const names = [
    ['DNS Names', asked.dnsNames],
    ['Email Addresses', asked.emails],
    ['URIs', asked.uris],
    ['IP Addresses', asked.addresses],
  ] as const;
  if (names.every(([, values]) => values.length === 0)) return;
  out.line(0, 'Subject Alternative Names:');
  for (const [title, values] of names) list(out, title, values);
}
