/** The roles people are given in a namespace: admin, edit, view, and what they are collected from. */
import type { KubeObject } from '#api/resources/meta.ts';
import { aggregatedRole, aggregateTo, clusterRole, read, rule, write } from './documents.ts';

const workloads =
  'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale';
const readWorkloads =
  'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status';
const volumesAndPods =
  'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy';

const admin = [
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(`${read} ${write}`, 'rbac.authorization.k8s.io', 'roles rolebindings'),
];

const edit = [
  rule(read, 'core', 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
  rule('impersonate', 'core', 'serviceaccounts'),
  rule(write, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('create', 'core', 'pods/eviction'),
  rule(write, 'core', volumesAndPods),
  rule('create', 'core', 'serviceaccounts/token'),
  rule(write, 'apps', workloads),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(write, 'coordination.k8s.io', 'leases'),
  rule(write, 'events.k8s.io', 'events'),
  rule(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
];

const view = [
  rule(
    read,
    'core',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    read,
    'core',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(read, 'core', 'namespaces'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(read, 'apps', readWorkloads),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(read, 'coordination.k8s.io', 'leases'),
  rule(read, 'events.k8s.io', 'events'),
  rule(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];

export const userRoles: readonly KubeObject[] = [
  aggregatedRole('admin'),
  aggregatedRole('edit', aggregateTo('admin')),
  aggregatedRole('view', aggregateTo('edit')),
  clusterRole('system:aggregate-to-admin', admin, aggregateTo('admin')),
  clusterRole('system:aggregate-to-edit', edit, aggregateTo('edit')),
  clusterRole('system:aggregate-to-view', view, aggregateTo('view')),
  clusterRole(
    'system:aggregated-metrics-reader',
    [rule(read, 'metrics.k8s.io', 'nodes pods')],
    aggregateTo('view'),
  ),
  // Bayplan's own kinds; a GitSync acts with the controllers' powers, so editors of a namespace may not write any.
  clusterRole(
    'bayplan:aggregate-to-edit',
    [
      rule(write, 'bayplan.dev', 'containers snapshots'),
      rule(
        'get create update',
        'bayplan.dev',
        'containers/archive containers/changes containers/commit containers/exec containers/export containers/kill containers/rollback containers/stats containers/top',
      ),
    ],
    aggregateTo('edit'),
  ),
  clusterRole(
    'bayplan:aggregate-to-view',
    [
      rule(read, 'bayplan.dev', 'containers snapshots gitsyncs'),
      rule('get', 'bayplan.dev', 'containers/inspect containers/log'),
    ],
    aggregateTo('view'),
  ),
];
