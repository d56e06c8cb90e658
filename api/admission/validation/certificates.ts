/** CertificateSigningRequests, as `pkg/apis/certificates/validation` judges them. */
import { X509Certificate } from 'node:crypto';
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { verdicts } from '../../kinds/signing-request.ts';
import { readSigningRequest } from '../../pki/signing-request.ts';
import {
  checkUnique,
  duplicate,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';

const usages = [
  ...['signing', 'digital signature', 'content commitment', 'key encipherment', 'key agreement'],
  ...['data encipherment', 'cert sign', 'crl sign', 'encipher only', 'decipher only', 'any'],
  ...['server auth', 'client auth', 'code signing', 'email protection', 's/mime'],
  ...['ipsec end system', 'ipsec tunnel', 'ipsec user', 'timestamping', 'ocsp signing'],
  ...['microsoft sgc', 'netscape sgc'],
].sort();

const specOf = (request: KubeObject): JsonObject => objectOr(request['spec']);
const statusOf = (request: KubeObject): JsonObject => objectOr(request['status']);
const conditionsOf = (request: KubeObject): readonly JsonObject[] =>
  objectsOf(statusOf(request)['conditions']);

/** Whether it can be read: by itself, not whether its key has signed it. */
function checkContent(value: unknown): StatusCause[] {
  const field = 'spec.request';
  const text = Buffer.from(stringOr(value), 'base64').toString('latin1');
  if (text === '') return [required(field)];
  try {
    readSigningRequest(text);
    return [];
  } catch (error) {
    return [invalidValue(field, value, (error as Error).message)];
  }
}

const notQualified =
  "must be a fully qualified domain and path of the form 'example.com/signer-name'";
const signerPathMax = 571;

/** `domain/path`, the domain of two parts at least. */
export function checkSignerName(field: string, value: unknown): StatusCause[] {
  const name = stringOr(value);
  if (name === '') return [required(field)];
  const [domain = '', path, ...more] = name.split('/');
  if (path === undefined || path === '' || more.length > 0 || !domain.includes('.')) {
    return [invalidValue(field, name, notQualified)];
  }
  if (name.length > signerPathMax) {
    return [invalidValue(field, name, `must be no more than ${signerPathMax} characters`)];
  }
  return [...subdomainProblems(domain), ...subdomainProblems(path)].map((problem) =>
    invalidValue(field, name, problem),
  );
}

function checkSigner(value: unknown): StatusCause[] {
  const field = 'spec.signerName';
  if (value === 'kubernetes.io/legacy-unknown') {
    const why = 'the legacy signerName is not allowed via this API version';
    return [invalidValue(field, value, why)];
  }
  return checkSignerName(field, value);
}

function checkUsages(value: unknown): StatusCause[] {
  const field = 'spec.usages';
  const asked: unknown[] = Array.isArray(value) ? value : [];
  if (asked.length === 0) return [required(field)];
  const unknown = asked.flatMap((usage, i) =>
    usages.includes(stringOr(usage)) ? [] : [notSupported(`${field}[${i}]`, usage, usages)],
  );
  return [...unknown, ...checkUnique(asked, (i) => `${field}[${i}]`)];
}

const secondsMin = 600;

function checkConditions(conditions: readonly JsonObject[]): StatusCause[] {
  const seen = new Set<unknown>();
  return conditions.flatMap((condition, i) => {
    const field = `status.conditions[${i}]`;
    const { type, status } = condition;
    const causes: StatusCause[] = [];
    if (stringOr(type) === '') causes.push(required(`${field}.type`));
    else if (seen.has(type)) causes.push(duplicate(`${field}.type`, type));
    seen.add(type);
    const states =
      verdicts.has(type) || type === 'Failed' ? ['True'] : ['True', 'False', 'Unknown'];
    if (stringOr(status) === '') causes.push(required(`${field}.status`));
    else if (!states.includes(stringOr(status))) {
      causes.push(notSupported(`${field}.status`, status, states));
    }
    const other = type === 'Approved' ? 'Denied' : 'Approved';
    if (verdicts.has(type) && conditions.slice(0, i).some((one) => one['type'] === other)) {
      const why = 'Approved and Denied conditions are mutually exclusive';
      causes.push(invalidValue(`${field}.type`, type, why));
    }
    return causes;
  });
}

const blocks = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\s*/g;

function checkCertificate(value: unknown): StatusCause[] {
  const text = Buffer.from(stringOr(value), 'base64').toString('latin1');
  if (text === '') return [];
  const found = text.match(blocks) ?? [];
  const refuse = (why: string) => [invalidValue('status.certificate', '<certificate data>', why)];
  if (found.length === 0) return refuse('must contain at least one CERTIFICATE PEM block');
  if (text.replace(blocks, '').includes('-----BEGIN')) {
    return refuse('only CERTIFICATE PEM blocks are allowed');
  }
  try {
    for (const one of found) new X509Certificate(one);
    return [];
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** The whole request. */
export function checkSigningRequest(request: KubeObject): StatusCause[] {
  const { request: content, signerName, usages: asked, expirationSeconds } = specOf(request);
  const causes = [...checkContent(content), ...checkUsages(asked), ...checkSigner(signerName)];
  if (typeof expirationSeconds === 'number' && expirationSeconds < secondsMin) {
    const why = `may not specify a duration less than ${secondsMin} seconds (10 minutes)`;
    causes.push(invalidValue('spec.expirationSeconds', expirationSeconds, why));
  }
  return causes;
}

/** What may not change without `/approval`, respectively without `/status`. */
function checkLasting(next: KubeObject, old: KubeObject, may: readonly string[]): StatusCause[] {
  const find = (request: KubeObject, type: string) =>
    conditionsOf(request).find((one) => one['type'] === type);
  const causes = [...verdicts, 'Failed'].flatMap((each) => {
    const type = String(each);
    const [after, before] = [find(next, type), find(old, type)];
    const refuse = (what: string) =>
      forbiddenField('status.conditions', `updates may not ${what} a condition of type "${type}"`);
    if (before !== undefined && after === undefined) return [refuse('remove')];
    if (before === undefined && after !== undefined)
      return may.includes(type) ? [] : [refuse('add')];
    return before !== undefined && !equalJson(before, after) ? [refuse('modify')] : [];
  });
  const [after, before] = [next, old].map((one) => stringOr(statusOf(one)['certificate'])) as [
    string,
    string,
  ];
  if (after === before) return causes;
  if (after === '') {
    causes.push(
      forbiddenField('status.certificate', 'updates may not clear existing certificate content'),
    );
  } else if (before !== '') {
    causes.push(
      forbiddenField('status.certificate', 'updates may not modify existing certificate content'),
    );
  } else if (!may.includes('certificate')) {
    causes.push(forbiddenField('status.certificate', 'updates may not set certificate content'));
  }
  return causes;
}

/** An update of the object itself. */
export const checkSigningUpdate = (next: KubeObject, old: KubeObject): StatusCause[] =>
  checkLasting(next, old, []);

/** An update of `/status`. */
export const checkSigningStatus = (next: KubeObject, old: KubeObject): StatusCause[] => [
  ...checkConditions(conditionsOf(next)),
  ...checkCertificate(statusOf(next)['certificate']),
  ...checkLasting(next, old, ['Failed', 'certificate']),
];

/** An update of `/approval`. */
export const checkApproval = (next: KubeObject, old: KubeObject): StatusCause[] => [
  ...checkConditions(conditionsOf(next)),
  ...checkLasting(next, old, ['Approved', 'Denied']),
];
