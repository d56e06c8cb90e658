/**
 * May they: one question with one answer, whatever decides it. Today's rules are the fixed ones of the cluster's own
 * parts.
 */
import type { User } from '../authentication/authentication.ts';

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
  /** … or a path. */
  readonly path?: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** A rule as SelfSubjectRulesReview shows it. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  /** `pods`, `pods/log`, `*`. */
  readonly resources: readonly string[];
}

interface PathRule {
  readonly verbs: readonly string[];
  /** A `*` at the end stands for anything. */
  readonly paths: readonly string[];
}

const rule = (verbs: string, group: string, resources: string): Rule => ({
  verbs: verbs.split(' '),
  groups: [group],
  resources: resources.split(' '),
});

const read = 'get list watch';
const write = 'create update patch delete';

const everyone: readonly Rule[] = [
  rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
  rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
];

const paths: readonly PathRule[] = [
  {
    verbs: ['get', 'head'],
    paths: [
      ...['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'],
      ...['/version', '/version/', '/livez', '/livez/*', '/readyz', '/readyz/*'],
      ...['/healthz', '/healthz/*'],
    ],
  },
];

/** What an agent needs of the API to run the pods of its node. */
const nodes: readonly Rule[] = [
  rule(read, '', 'pods nodes secrets configmaps services namespaces serviceaccounts'),
  rule(read, '', 'persistentvolumes persistentvolumeclaims endpoints'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
  rule(read, 'bayplan.dev', 'containers images snapshots'),
  rule('create update patch', '', 'nodes nodes/status'),
  rule('update patch', '', 'pods/status'),
  rule('create delete', '', 'pods pods/eviction'),
  rule('create update patch', '', 'events'),
  rule('create update patch', 'events.k8s.io', 'events'),
  rule(`${read} ${write}`, 'coordination.k8s.io', 'leases'),
  rule('create', '', 'serviceaccounts/token'),
  rule('create update patch delete', 'bayplan.dev', 'images snapshots'),
  rule('update patch', 'bayplan.dev', 'containers/status images/status snapshots/status'),
];

const all: readonly Rule[] = [{ verbs: ['*'], groups: ['*'], resources: ['*'] }];

/** The rules on resources that hold for a user. */
export function rulesFor(user: User): readonly Rule[] {
  if (user.groups.includes('system:masters')) return all;
  if (user.name === 'system:kube-controller-manager') return all;
  if (user.groups.includes('system:nodes')) return [...everyone, ...nodes];
  return user.groups.includes('system:authenticated') ? everyone : [];
}

/** The rules on paths that hold for everybody who is known. */
export const pathRules: readonly PathRule[] = paths;

const holds = (list: readonly string[], value: string): boolean =>
  list.includes('*') || list.includes(value);

const pathHolds = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

const allow = (reason: string): Decision => ({ allowed: true, reason });

function authorizePath({ user, verb, path = '' }: Attributes): Decision {
  const found = paths.some(
    (each) => each.verbs.includes(verb) && each.paths.some((pattern) => pathHolds(pattern, path)),
  );
  if (found && user.groups.includes('system:authenticated')) return allow('discovery is for all');
  return { allowed: false, reason: '' };
}

/** Decides. Never throws; `reason` is for people. */
export function authorize(attributes: Attributes): Decision {
  const { user, verb, resource, subresource } = attributes;
  if (user.groups.includes('system:masters')) return allow('system:masters may do everything');
  if (user.name === 'system:kube-controller-manager' && verb !== 'impersonate') {
    return allow('the controller manager may do everything but impersonate');
  }
  if (resource === undefined) return authorizePath(attributes);
  if (verb === 'impersonate') return { allowed: false, reason: '' };
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  const found = rulesFor(user).some(
    (each) =>
      holds(each.verbs, verb) &&
      holds(each.groups, attributes.group ?? '') &&
      holds(each.resources, full),
  );
  return found ? allow('allowed by the fixed rules') : { allowed: false, reason: '' };
}

/** Kubernetes' words for a refusal. */
export function refusal(attributes: Attributes): string {
  const { user, verb, group = '', resource, subresource, namespace, path } = attributes;
  if (resource === undefined) return `User "${user.name}" cannot ${verb} path "${path}"`;
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`;
}
