/** The guards of a request's writes, put together for the user who makes it. */
import { escalationGuard } from '../admission/escalation.ts';
import { nodeGuard } from '../admission/node-restriction.ts';
import { ownershipGuard } from '../admission/owner-references.ts';
import { signerGuard } from '../admission/signers.ts';
import type { WriteGuard } from '../admission/write-guard.ts';
import { mastersGroup, nodeOfUser } from '../authentication/user.ts';
import type { ApiContext, ApiRequest } from '../verbs/request.ts';

const reads = new Set(['get', 'list', 'watch']);

/** Plug-ins that are off unless asked for. */
export const optionalAdmission: readonly string[] = ['OwnerReferencesPermissionEnforcement'];

function guardOf(request: ApiRequest, context: ApiContext): WriteGuard | undefined {
  const { user, subresource } = request;
  if (reads.has(request.verb) || user.groups.includes(mastersGroup)) return undefined;
  const own = guardOfKind(request, context);
  if (context.withAdmission?.has('OwnerReferencesPermissionEnforcement') !== true) return own;
  const { authorizer, kinds } = context;
  const owners = ownershipGuard({ user, authorizer, kinds, subresource });
  return (change) => own?.(change) ?? owners(change);
}

function guardOfKind(request: ApiRequest, context: ApiContext): WriteGuard | undefined {
  const { user, kind } = request;
  const node = nodeOfUser(user);
  if (node !== undefined) return nodeGuard(request, node);
  if (kind.group === 'certificates.k8s.io') {
    return signerGuard({ user, authorizer: context.authorizer, subresource: request.subresource });
  }
  if (kind.group !== 'rbac.authorization.k8s.io') return undefined;
  return escalationGuard(user, context.authorizer);
}

/** The context for the request's verb: its writes are those of the request's user. */
export function onBehalfOf(request: ApiRequest, context: ApiContext): ApiContext {
  const guard = guardOf(request, context);
  return guard === undefined ? context : { ...context, guard };
}
