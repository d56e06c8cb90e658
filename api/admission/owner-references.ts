/**
 * OwnerReferencesPermissionEnforcement: who sets an owner may delete the object, and who lets it hold up its owner's
 * deletion may do so to the owner (`plugin/pkg/admission/gc`). Off unless asked for, as in kube-apiserver.
 */
import { equalJson } from '#api/resources/json.ts';
import type { KubeObject, OwnerReference } from '#api/resources/meta.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import type { User } from '../authentication/user.ts';
import type { Authorizer } from '../authorization/attributes.ts';
import type { Kinds } from '../schema/kind.ts';
import type { Change, WriteGuard } from './write-guard.ts';

export interface OwnershipQuestion {
  readonly user: User;
  readonly authorizer: Authorizer;
  readonly kinds: Kinds;
  readonly subresource: string | undefined;
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata.ownerReferences ?? [];

/** References that hold up their owner's deletion and did not before. */
function newlyBlocking(object: KubeObject, old: KubeObject | undefined): OwnerReference[] {
  const blocked = new Set(
    ownersOf(old)
      .filter((owner) => owner.blockOwnerDeletion === true)
      .map(({ uid }) => uid),
  );
  return ownersOf(object).filter(
    (owner) => owner.blockOwnerDeletion === true && !blocked.has(owner.uid),
  );
}

/** The guard of a user's writes of owner references. */
export const ownershipGuard =
  (question: OwnershipQuestion): WriteGuard =>
  (change) => {
    const { kind, object, old } = change;
    if (object === undefined || equalJson(ownersOf(object), ownersOf(old))) return undefined;
    if (kind.group === '' && kind.plural === 'pods' && question.subresource === 'status') {
      return undefined;
    }
    if (old !== undefined && !mayDelete(question, change, old)) {
      const why = "cannot set an ownerRef on a resource you can't delete: , <nil>";
      return forbidden(kind, object.metadata.name, why);
    }
    for (const owner of newlyBlocking(object, old)) {
      const refused = refusedOwner(question, change, object, owner);
      if (refused !== undefined) return refused;
    }
    return undefined;
  };

const placeOf = ({ metadata: { namespace } }: KubeObject) =>
  namespace === undefined ? {} : { namespace };

function mayDelete(
  { user, authorizer, subresource }: OwnershipQuestion,
  { kind: { group, plural } }: Change,
  old: KubeObject,
): boolean {
  const { name } = old.metadata;
  const part = subresource === undefined ? {} : { subresource };
  const what = { group, resource: plural, name, ...placeOf(old), ...part };
  return authorizer.authorize({ user, verb: 'delete', ...what }).allowed;
}

function refusedOwner(
  { user, authorizer, kinds }: OwnershipQuestion,
  { kind }: Change,
  object: KubeObject,
  owner: OwnerReference,
): StatusError | undefined {
  const { name } = object.metadata;
  const owning = kinds.ofObject(owner.apiVersion, owner.kind);
  if (owning === undefined) {
    const what = `RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}`;
    const why = `cannot set blockOwnerDeletion in this case because cannot find ${what}`;
    return forbidden(kind, name, why);
  }
  const { group, plural, namespaced } = owning;
  const place = namespaced ? placeOf(object) : {};
  const what = { group, resource: plural, subresource: 'finalizers', name: owner.name, ...place };
  if (authorizer.authorize({ user, verb: 'update', ...what }).allowed) return undefined;
  const why =
    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>";
  return forbidden(kind, name, why);
}
