/** Roles and bindings as authorization reads them: from the watch cache, or given. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { accountUserName } from '../authentication/user.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import type { RoleRef } from './attributes.ts';
import { type PolicyRule, rulesIn } from './rule.ts';

export interface Binding {
  readonly kind: string;
  readonly name: string;
  /** Absent: the binding holds everywhere. */
  readonly namespace: string | undefined;
  /** As `userSubject` and `groupSubject` name them. */
  readonly subjects: readonly string[];
  readonly role: RoleRef;
}

export interface Policy {
  readonly bindings: readonly Binding[];
  /** `undefined` if there is no such role. */
  rulesOf(role: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined;
}

export const userSubject = (name: string): string => `User ${name}`;
export const groupSubject = (name: string): string => `Group ${name}`;

function subject(one: Record<string, unknown>, namespace: string): string {
  const name = stringOr(one['name']);
  if (one['kind'] === 'Group') return groupSubject(name);
  if (one['kind'] === 'User') return userSubject(name);
  return userSubject(accountUserName(stringOr(one['namespace']) || namespace, name));
}

/** What a RoleBinding or ClusterRoleBinding says. */
export function bindingOf(object: KubeObject): Binding {
  const { name, namespace } = object.metadata;
  const { kind, name: role } = objectOr(object['roleRef']);
  return {
    kind: object.kind,
    name,
    namespace,
    subjects: objectsOf(object['subjects']).map((one) => subject(one, namespace ?? '')),
    role: { kind: stringOr(kind), name: stringOr(role) },
  };
}

/** Where the store has what is read here. */
export const policyPrefixes = [
  '/registry/clusterroles/',
  '/registry/clusterrolebindings/',
  '/registry/roles/',
  '/registry/rolebindings/',
] as const;

/** The policy of the cluster. Roles are looked up when asked for: only bindings are read at once. */
export function storedPolicy(cache: WatchCache): Policy {
  const [clusterRoles, clusterRoleBindings, roles, roleBindings] = policyPrefixes;
  const bindings = [clusterRoleBindings, roleBindings].flatMap((prefix) =>
    cache.list(prefix).entries.map((entry) => entry.memo(bindingOf, bindingOf)),
  );
  return {
    bindings,
    rulesOf: ({ kind, name }, namespace) => {
      const key = kind === 'Role' ? `${roles}${namespace}/${name}` : `${clusterRoles}${name}`;
      return cache.get(key)?.memo(rulesIn, rulesIn);
    },
  };
}

/** A policy of given objects. */
export function policyOf(objects: readonly KubeObject[]): Policy {
  const key = (kind: string, name: string, namespace = '') => `${kind} ${namespace} ${name}`;
  const roles = new Map(
    objects
      .filter(({ kind }) => !kind.endsWith('Binding'))
      .map((role) => {
        const { name, namespace } = role.metadata;
        return [key(role.kind, name, namespace), rulesIn(role)] as const;
      }),
  );
  return {
    bindings: objects.filter(({ kind }) => kind.endsWith('Binding')).map(bindingOf),
    rulesOf: ({ kind, name }, namespace) =>
      roles.get(key(kind, name, kind === 'Role' ? namespace : '')),
  };
}

/** Both; where both have a role the first one's counts. */
export const joined = (first: Policy, second: Policy): Policy => ({
  bindings: [...first.bindings, ...second.bindings],
  rulesOf: (role, namespace) => first.rulesOf(role, namespace) ?? second.rulesOf(role, namespace),
});
