/** What authorization is asked and what it answers. */
import type { User } from '../authentication/user.ts';
import type { PolicyRule } from './rule.ts';

export interface Attributes {
  readonly user: User;
  /** `get list watch create update patch delete deletecollection`, or an HTTP method in lower case. */
  readonly verb: string;
  /** Either a resource … */
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** The field selector of a list or watch, as sent: nodes may list only what is theirs. */
  readonly fieldSelector?: string;
  /** … or a path. */
  readonly path?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** For people; `''` where there is nothing to say. */
  readonly reason: string;
}

export const denied: Decision = { allowed: false, reason: '' };

export interface RoleRef {
  readonly kind: string;
  readonly name: string;
}

export interface Authorizer {
  /** Decides at once. Throws StatusError 503 while what it needs is not there yet. */
  authorize(attributes: Attributes): Decision;
  /** The rules that hold for the user in the namespace and everywhere, as far as rules say it. */
  rules(user: User, namespace: string): readonly PolicyRule[];
  /** The rules of a Role or ClusterRole; `undefined` if there is no such role. */
  rulesOfRole(role: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined;
}

/** `pods`, `pods/log`. */
export const fullResource = ({ resource = '', subresource }: Attributes): string =>
  subresource === undefined ? resource : `${resource}/${subresource}`;

/** Kubernetes' words for a refusal. */
export function refusal(attributes: Attributes): string {
  const { user, verb, group = '', resource, namespace, path } = attributes;
  if (resource === undefined) return `User "${user.name}" cannot ${verb} path "${path}"`;
  const full = fullResource(attributes);
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`;
}
