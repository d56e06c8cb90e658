/**
 * What is to be done with a CertificateSigningRequest: approved, signed, refused by its signer, deleted. Pure. The rules are
 * those of Kubernetes' signers and of its approver for nodes (`pkg/controller/certificates`).
 */
import { readSigningRequest, type SigningRequest } from '#api/pki/signing-request.ts';
import type { CertificateSigningRequest } from '#api/resources/types.ts';

const kubernetes = 'kubernetes.io/';
const clientSigner = `${kubernetes}kube-apiserver-client`;
const kubeletClient = `${kubernetes}kube-apiserver-client-kubelet`;
const kubeletServing = `${kubernetes}kubelet-serving`;
export const signers: ReadonlySet<string> = new Set([clientSigner, kubeletClient, kubeletServing]);

/** What a requester must have the right to create for its request to be approved without anybody being asked. */
export type Recognized = 'selfnodeclient' | 'nodeclient';

export type Plan =
  | { readonly type: 'nothing' }
  | { readonly type: 'ask'; readonly as: readonly Recognized[] }
  | { readonly type: 'sign'; readonly request: SigningRequest; readonly seconds: number }
  | { readonly type: 'fail'; readonly why: string };

const nothing: Plan = { type: 'nothing' };

/** Kubernetes' `--cluster-signing-duration`. */
const secondsMax = 365 * 24 * 3600;
const secondsMin = 600;

export const conditionOf = ({ status }: CertificateSigningRequest, type: string) =>
  status?.conditions?.find((one) => one.type === type);

export function plan(csr: CertificateSigningRequest): Plan {
  if (!signers.has(csr.spec.signerName)) return nothing;
  if (csr.status?.certificate || conditionOf(csr, 'Denied') || conditionOf(csr, 'Failed')) {
    return nothing;
  }
  const request = readSigningRequest(Buffer.from(csr.spec.request, 'base64').toString('latin1'));
  if (conditionOf(csr, 'Approved') === undefined) {
    const as = recognized(csr, request);
    return as.length === 0 ? nothing : { type: 'ask', as };
  }
  const why = refusal(csr, request);
  if (why !== undefined) return { type: 'fail', why };
  const asked = csr.spec.expirationSeconds ?? secondsMax;
  return { type: 'sign', request, seconds: Math.max(secondsMin, Math.min(asked, secondsMax)) };
}

/** A node that renews its own certificate, or somebody who brings nodes in. */
function recognized(csr: CertificateSigningRequest, request: SigningRequest): Recognized[] {
  if (refusal(csr, request) !== undefined) return [];
  if (csr.spec.signerName === kubeletServing)
    return isOwnName(csr, request) ? ['selfnodeclient'] : [];
  if (csr.spec.signerName !== kubeletClient) return [];
  return csr.spec.username === request.subject.commonName
    ? ['selfnodeclient', 'nodeclient']
    : ['nodeclient'];
}

/**
 * A node that asks to be called by its own name and nothing else: that is how our API server calls it. Other names are for
 * somebody to approve, as in Kubernetes.
 */
const isOwnName = ({ spec }: CertificateSigningRequest, request: SigningRequest): boolean =>
  spec.username === request.subject.commonName &&
  request.addresses.length === 0 &&
  request.dnsNames.length === 1 &&
  `system:node:${request.dnsNames[0]}` === spec.username;

/** Why the signer does not sign this; `undefined` if it does. */
function refusal(csr: CertificateSigningRequest, request: SigningRequest): string | undefined {
  if (!request.isSigned()) return 'the request is not signed with the key that it is for';
  switch (csr.spec.signerName) {
    case clientSigner:
      return wrongUsages(csr, ['client auth']);
    case kubeletClient:
      return wrongNode(request) ?? wrongNames(request) ?? wrongNodeUsages(csr, 'client auth');
    case kubeletServing:
      return wrongNode(request) ?? wrongServer(csr, request) ?? wrongNodeUsages(csr, 'server auth');
    default:
      return 'nobody signs for this signer';
  }
}

const everywhere = ['digital signature', 'key encipherment'];

function wrongUsages(
  { spec }: CertificateSigningRequest,
  needed: readonly string[],
): string | undefined {
  const usages = spec.usages ?? [];
  const missing = needed.filter((usage) => !usages.includes(usage));
  if (missing.length > 0) return `usages did not contain ${missing.join(', ')}`;
  const unknown = usages.filter((usage) => !needed.includes(usage) && !everywhere.includes(usage));
  return unknown.length > 0 ? `usages not permitted: ${unknown.join(', ')}` : undefined;
}

const wrongNodeUsages = (csr: CertificateSigningRequest, use: string) =>
  wrongUsages(csr, ['digital signature', use]);

function wrongNode({ subject }: SigningRequest): string | undefined {
  const { commonName, organizations } = subject;
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes') {
    return 'subject organization is not system:nodes';
  }
  return commonName.startsWith('system:node:') && commonName !== 'system:node:'
    ? undefined
    : 'subject common name does not begin with system:node:';
}

function wrongNames({ rawNames }: SigningRequest): string | undefined {
  return rawNames === undefined ? undefined : 'subject alternative names are not allowed';
}

function wrongServer(
  { spec }: CertificateSigningRequest,
  { subject, dnsNames, addresses, emails, uris }: SigningRequest,
): string | undefined {
  if (spec.username !== subject.commonName) return 'the requester is not the node it is for';
  if (emails.length > 0 || uris.length > 0) {
    return 'email and URI subject alternative names are not allowed';
  }
  return dnsNames.length + addresses.length === 0
    ? 'DNS or IP subject alternative name is required'
    : undefined;
}

const hourMs = 3_600_000;

/** When the request has served its time, in milliseconds since the epoch. Kubernetes' cleaner. */
export function endOf(csr: CertificateSigningRequest): number {
  const time = (text: string | undefined) => Date.parse(text ?? '') || 0;
  const made = time(csr.metadata.creationTimestamp);
  for (const type of ['Denied', 'Failed']) {
    const condition = conditionOf(csr, type);
    if (condition !== undefined) return (time(condition.lastUpdateTime) || made) + hourMs;
  }
  const approved = conditionOf(csr, 'Approved');
  if (approved !== undefined && csr.status?.certificate) {
    return (time(approved.lastUpdateTime) || made) + hourMs;
  }
  return made + 24 * hourMs;
}
