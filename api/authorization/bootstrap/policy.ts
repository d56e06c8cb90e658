/**
 * The roles and bindings that every cluster has (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy`). Kubernetes' roles
 * of single controllers are not among them: ours run as one user.
 */
import type { KubeObject } from '#api/resources/meta.ts';
import { account, clusterBinding, group, user } from './documents.ts';
import { systemNamespaceRoles, systemRoles } from './system-roles.ts';
import { userRoles } from './user-roles.ts';

const authenticated = group('system:authenticated');
const unauthenticated = group('system:unauthenticated');

const joining = group('system:bootstrappers:bayplan:nodes');

const bindings: readonly KubeObject[] = [
  clusterBinding('cluster-admin', [group('system:masters')]),
  clusterBinding('system:monitoring', [group('system:monitoring')]),
  clusterBinding('system:discovery', [authenticated]),
  clusterBinding('system:basic-user', [authenticated]),
  clusterBinding('system:public-info-viewer', [authenticated, unauthenticated]),
  // Where kubeadm has a binding of its own: nodes renew their certificates without anybody being asked.
  clusterBinding('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    group('system:nodes'),
  ]),
  clusterBinding('bayplan:node-policies', [group('system:nodes')]),
  // Who shows a token of `bay node-token` may ask for a node's certificate, and gets it.
  clusterBinding('system:node-bootstrapper', [joining]),
  clusterBinding('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [joining]),
  clusterBinding('system:node-proxier', [user('system:kube-proxy')]),
  clusterBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  clusterBinding('system:kube-scheduler', [user('system:kube-scheduler')]),
  clusterBinding('system:volume-scheduler', [user('system:kube-scheduler')]),
  clusterBinding('system:kube-dns', [account('kube-system', 'kube-dns')]),
  clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
];

/** Roles first: a binding to a role that is not there yet allows nothing. */
export const bootstrapPolicy: readonly KubeObject[] = [
  ...systemRoles,
  ...userRoles,
  ...systemNamespaceRoles,
  ...bindings,
];
