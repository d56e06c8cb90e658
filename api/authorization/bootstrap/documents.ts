/** Short ways to write the roles and bindings that every cluster has. */
import type { KubeObject } from '#api/resources/meta.ts';
import type { PolicyRule } from '../rule.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const rbacGroup = 'rbac.authorization.k8s.io';

/** Kubernetes' marks: whose they are, and that a start puts them right again. */
const marks = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

/** Words are separated by spaces; `core` is the core group. */
export function rule(verbs: string, groups: string, resources: string): PolicyRule {
  const apiGroups = words(groups).map((group) => (group === 'core' ? '' : group));
  return { verbs: words(verbs), apiGroups, resources: words(resources) };
}

/** A rule for objects of these names. */
export const namedRule = (rest: PolicyRule, names: string): PolicyRule => ({
  ...rest,
  resourceNames: words(names),
});

export const paths = (...urls: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs: urls });

/** A ClusterRole; `labels` beside the marks. */
export function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels: Readonly<Record<string, string>> = {},
): KubeObject {
  const metadata = { ...marks, name, labels: { ...marks.labels, ...labels } };
  return { apiVersion, kind: 'ClusterRole', metadata, rules };
}

export const aggregateTo = (role: string): Record<string, string> => ({
  [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true',
});

/** A ClusterRole that collects the rules of those labelled for it; the controller fills it. */
export function aggregatedRole(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): KubeObject {
  return {
    ...clusterRole(name, [], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
  };
}

export const role = (
  namespace: string,
  name: string,
  rules: readonly PolicyRule[],
): KubeObject => ({
  apiVersion,
  kind: 'Role',
  metadata: { ...marks, name, namespace },
  rules,
});

export const user = (name: string) => ({ apiGroup: rbacGroup, kind: 'User', name });
export const group = (name: string) => ({ apiGroup: rbacGroup, kind: 'Group', name });
export const account = (namespace: string, name: string) => ({
  kind: 'ServiceAccount',
  name,
  namespace,
});

/** Binds the ClusterRole of the same name. */
export const clusterBinding = (name: string, subjects: readonly object[]): KubeObject => ({
  apiVersion,
  kind: 'ClusterRoleBinding',
  metadata: { ...marks, name },
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
  subjects,
});

/** Binds the Role of the same name. */
export const roleBinding = (
  namespace: string,
  name: string,
  subjects: readonly object[],
): KubeObject => ({
  apiVersion,
  kind: 'RoleBinding',
  metadata: { ...marks, name, namespace },
  roleRef: { apiGroup: rbacGroup, kind: 'Role', name },
  subjects,
});
