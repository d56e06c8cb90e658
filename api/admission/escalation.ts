/**
 * Nobody gives away rights they do not have: writes of roles need all the role's rules or `escalate` on it, writes of
 * bindings all the rules of the role or `bind` on it (Kubernetes, `pkg/registry/rbac`, `policybased`).
 */
import { equalJson, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden, notFound, type StatusError } from '#api/resources/status.ts';
import type { User } from '../authentication/user.ts';
import type { Authorizer } from '../authorization/attributes.ts';
import {
  compact,
  describeRule,
  type PolicyRule,
  rulesIn,
  uncovered,
} from '../authorization/rule.ts';
import type { Change, WriteGuard } from './write-guard.ts';

const group = 'rbac.authorization.k8s.io';
const full: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

interface Writer {
  readonly user: User;
  readonly authorizer: Authorizer;
}

/** Why the user may not grant the rules; `undefined` if they may. */
function missing({ user, authorizer }: Writer, rules: readonly PolicyRule[], namespace: string) {
  const held = authorizer.rules(user, namespace);
  const lacking = compact(uncovered(held, rules));
  if (lacking.length === 0) return undefined;
  const who = `user "${user.name}" (groups=${JSON.stringify(user.groups)})`;
  const what = lacking.map(describeRule).join('\n');
  return `${who} is attempting to grant RBAC permissions not currently held:\n${what}`;
}

function may({ user, authorizer }: Writer, verb: string, object: KubeObject, plural: string) {
  const { name, namespace } = object.metadata;
  const place = namespace === undefined ? {} : { namespace };
  return authorizer.authorize({ user, verb, group, resource: plural, name, ...place }).allowed;
}

const aggregates = (role: KubeObject | undefined): boolean =>
  role?.['aggregationRule'] !== undefined;

function checkRole(writer: Writer, { kind, object, old }: Change): StatusError | undefined {
  if (object === undefined) return undefined;
  const same = (field: string) => equalJson(object[field] ?? null, old?.[field] ?? null);
  if (old !== undefined && same('rules') && same('aggregationRule')) return undefined;
  if (may(writer, 'escalate', object, kind.plural)) return undefined;
  const { name, namespace = '' } = object.metadata;
  const why = missing(writer, rulesIn(object), namespace);
  if (why !== undefined) return forbidden(kind, name, why);
  // Such a role gathers whatever others are labelled for it.
  if (!aggregates(object) && !aggregates(old)) return undefined;
  if (missing(writer, full, '') === undefined) return undefined;
  return forbidden(kind, name, 'must have cluster-admin privileges to use the aggregationRule');
}

function checkBinding(writer: Writer, { kind, object, old }: Change): StatusError | undefined {
  if (object === undefined) return undefined;
  const same = (field: string) => equalJson(object[field] ?? null, old?.[field] ?? null);
  if (old !== undefined && same('subjects') && same('roleRef')) return undefined;
  const { name, namespace } = object.metadata;
  const reference = objectOr(object['roleRef']);
  const role = { kind: stringOr(reference['kind']), name: stringOr(reference['name']) };
  const { user, authorizer } = writer;
  const plural = role.kind === 'Role' ? 'roles' : 'clusterroles';
  const place = namespace === undefined ? {} : { namespace };
  const asked = { user, verb: 'bind', group, resource: plural, name: role.name, ...place };
  if (authorizer.authorize(asked).allowed) return undefined;
  const rules = authorizer.rulesOfRole(role, namespace);
  if (rules === undefined) return notFound({ group, plural }, role.name);
  const why = missing(writer, rules, namespace ?? '');
  return why === undefined ? undefined : forbidden(kind, name, why);
}

/** The guard of a user's writes of roles and bindings. */
export const escalationGuard =
  (user: User, authorizer: Authorizer): WriteGuard =>
  (change) => {
    const writer = { user, authorizer };
    if (change.kind.group !== group) return undefined;
    return change.kind.kind.endsWith('Binding')
      ? checkBinding(writer, change)
      : checkRole(writer, change);
  };
