/**
 * Who may decide on a CertificateSigningRequest and who may sign it (the plug-ins CertificateApproval, CertificateSigning
 * and CertificateSubjectRestriction): rights on `signers`, by name or `domain/*`.
 */
import { equalJson, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import type { User } from '../authentication/user.ts';
import { mastersGroup } from '../authentication/user.ts';
import type { Authorizer } from '../authorization/attributes.ts';
import { readSigningRequest } from '../pki/signing-request.ts';
import type { WriteGuard } from './write-guard.ts';

const group = 'certificates.k8s.io';
const requests = { group, plural: 'certificatesigningrequests' };
const clientSigner = 'kubernetes.io/kube-apiserver-client';

export interface SignerQuestion {
  readonly user: User;
  readonly authorizer: Authorizer;
  readonly subresource: string | undefined;
}

const signerOf = (request: KubeObject | undefined): string =>
  stringOr(objectOr(request?.['spec'])['signerName']);

function may({ user, authorizer }: SignerQuestion, verb: string, signer: string): boolean {
  const domain = signer.slice(0, signer.indexOf('/'));
  return [signer, `${domain}/*`].some(
    (name) => authorizer.authorize({ user, verb, group, resource: 'signers', name }).allowed,
  );
}

/** The guard of a user's writes of approvals and certificates. */
export const signerGuard =
  (question: SignerQuestion): WriteGuard =>
  ({ kind, object, old }) => {
    if (kind.group !== group || kind.plural !== requests.plural) return undefined;
    if (object === undefined || old === undefined) return undefined;
    const verb = { approval: 'approve', status: 'sign' }[question.subresource ?? ''];
    if (verb === undefined) return undefined;
    if (verb === 'sign' && equalJson(object['status'] ?? {}, old['status'] ?? {})) return undefined;
    const signer = signerOf(old);
    if (may(question, verb, signer)) return undefined;
    const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`;
    return forbidden(requests, object.metadata.name, why);
  };

/** 403 for a client's certificate that would make its owner the cluster's master. */
export function restrictSubject(request: KubeObject): StatusError | undefined {
  if (signerOf(request) !== clientSigner) return undefined;
  const text = Buffer.from(stringOr(objectOr(request['spec'])['request']), 'base64');
  const { subject } = readSigningRequest(text.toString('latin1'));
  if (!subject.organizations.includes(mastersGroup)) return undefined;
  const why = `use of ${clientSigner} signer with ${mastersGroup} group is not allowed`;
  return forbidden(requests, request.metadata.name, why);
}
