/** Roles of the cluster's own parts and of the programs that people add to it. */
import type { KubeObject } from '#api/resources/meta.ts';
import type { PolicyRule } from '../rule.ts';
import { clusterRole, namedRule, paths, read, role, rule } from './documents.ts';
import { nodeRules } from './node-rules.ts';

const health = ['/healthz', '/livez', '/readyz'];
const everything = [
  rule('*', '*', '*'),
  { verbs: ['*'], nonResourceURLs: ['*'] },
] as const satisfies readonly PolicyRule[];

const reviews = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
];
const eventsAndLeases = [
  rule('create patch update', 'core events.k8s.io', 'events'),
  rule('create get list update watch', 'coordination.k8s.io', 'leases'),
];

/**
 * One process runs all controllers. Garbage collection and the emptying of namespaces read and delete whatever there
 * is, custom kinds too, so a list of kinds would keep nothing from it; what it may not do is impersonate, bind roles
 * and pass for others. `escalate` is for the roles that it collects from others.
 */
const controllerManager = [
  rule(`${read} create update patch delete deletecollection`, '*', '*'),
  rule('escalate', 'rbac.authorization.k8s.io', 'clusterroles'),
  namedRule(
    rule('approve sign', 'certificates.k8s.io', 'signers'),
    'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving',
  ),
  paths('*'),
];

const scheduler = [
  ...eventsAndLeases,
  ...reviews,
  rule(read, 'core', 'nodes pods namespaces'),
  rule('delete', 'core', 'pods'),
  rule('create', 'core', 'bindings pods/binding'),
  rule('patch update', 'core', 'pods/status'),
  rule(read, 'core', 'replicationcontrollers services persistentvolumes persistentvolumeclaims'),
  rule(read, 'apps', 'replicasets statefulsets'),
  rule(read, 'policy', 'poddisruptionbudgets'),
  rule(read, 'storage.k8s.io', 'csinodes csidrivers csistoragecapacities storageclasses'),
  rule(read, 'resource.k8s.io', 'deviceclasses resourceslices'),
  rule(`${read} update`, 'resource.k8s.io', 'resourceclaims'),
  rule('update patch', 'resource.k8s.io', 'resourceclaims/status'),
];

const signing = (name: string, signer: string): KubeObject =>
  clusterRole(`system:certificates.k8s.io:${name}`, [
    namedRule(rule('approve', 'certificates.k8s.io', 'signers'), `kubernetes.io/${signer}`),
  ]);

const requesting = (name: string): KubeObject =>
  clusterRole(`system:certificates.k8s.io:certificatesigningrequests:${name}`, [
    rule('create', 'certificates.k8s.io', `certificatesigningrequests/${name}`),
  ]);

export const systemRoles: readonly KubeObject[] = [
  clusterRole('cluster-admin', everything),
  clusterRole('system:discovery', [
    paths(
      ...['/livez', '/readyz', '/healthz', '/version', '/version/', '/openapi', '/openapi/*'],
      ...['/api', '/api/*', '/apis', '/apis/*'],
    ),
  ]),
  clusterRole('system:basic-user', [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:public-info-viewer', [paths(...health, '/version', '/version/')]),
  clusterRole('system:monitoring', [
    paths(...health.flatMap((path) => [path, `${path}/*`]), '/metrics', '/metrics/slis'),
  ]),
  clusterRole('system:node', nodeRules),
  clusterRole('system:node-proxier', [
    rule('list watch', 'core', 'services endpoints'),
    rule(read, 'core', 'nodes'),
    rule('create patch update', 'core events.k8s.io', 'events'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
  ]),
  clusterRole('system:node-bootstrapper', [
    rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  ]),
  // What an agent looks at to enforce network policies, as a network plug-in's account does elsewhere. All nodes' pods are
  // seen only while there is a policy: a controller binds that role then.
  clusterRole('bayplan:node-policies', [
    rule('list watch', 'networking.k8s.io', 'networkpolicies'),
    rule('list watch', 'core', 'namespaces'),
  ]),
  clusterRole('bayplan:node-peers', [rule('list watch', 'core', 'pods')]),
  clusterRole('system:node-problem-detector', [
    rule('get', 'core', 'nodes'),
    rule('patch', 'core', 'nodes/status'),
    rule('create patch update', 'core events.k8s.io', 'events'),
  ]),
  clusterRole('system:kubelet-api-admin', [
    rule('get list watch proxy', 'core', 'nodes'),
    rule('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    rule('*', 'core', 'nodes/configz nodes/healthz nodes/pods'),
  ]),
  clusterRole('system:auth-delegator', reviews),
  clusterRole('system:kube-aggregator', [rule(read, 'core', 'services endpoints')]),
  clusterRole('system:kube-controller-manager', controllerManager),
  clusterRole('system:kube-scheduler', scheduler),
  clusterRole('system:volume-scheduler', [
    rule(`${read} patch update`, 'core', 'persistentvolumes'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule(`${read} patch update`, 'core', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:kube-dns', [
    rule('list watch', 'core', 'endpoints services'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:persistent-volume-provisioner', [
    rule(`${read} create delete`, 'core', 'persistentvolumes'),
    rule(`${read} update`, 'core', 'persistentvolumeclaims'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('watch', 'core', 'events'),
    rule('create patch update', 'core events.k8s.io', 'events'),
  ]),
  clusterRole('system:service-account-issuer-discovery', [
    paths(
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ),
  ]),
  signing('kube-apiserver-client-approver', 'kube-apiserver-client'),
  signing('kube-apiserver-client-kubelet-approver', 'kube-apiserver-client-kubelet'),
  signing('kubelet-serving-approver', 'kubelet-serving'),
  signing('legacy-unknown-approver', 'legacy-unknown'),
  requesting('nodeclient'),
  requesting('selfnodeclient'),
];

export const systemNamespaceRoles: readonly KubeObject[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    namedRule(rule(read, 'core', 'configmaps'), 'extension-apiserver-authentication'),
  ]),
];
