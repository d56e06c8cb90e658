/** The resource types our own parts work with. Everything else is looked up in discovery. */
import type { ResourceType } from './meta.ts';

const type = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
): ResourceType => ({ group, version, plural, kind, namespaced });

export const pods = type('', 'v1', 'pods', 'Pod', true);
export const nodes = type('', 'v1', 'nodes', 'Node', false);
export const namespaces = type('', 'v1', 'namespaces', 'Namespace', false);
export const configMaps = type('', 'v1', 'configmaps', 'ConfigMap', true);
export const secrets = type('', 'v1', 'secrets', 'Secret', true);
export const services = type('', 'v1', 'services', 'Service', true);
export const serviceAccounts = type('', 'v1', 'serviceaccounts', 'ServiceAccount', true);
export const events = type('', 'v1', 'events', 'Event', true);
export const deployments = type('apps', 'v1', 'deployments', 'Deployment', true);
export const replicaSets = type('apps', 'v1', 'replicasets', 'ReplicaSet', true);
export const leases = type('coordination.k8s.io', 'v1', 'leases', 'Lease', true);
export const customResourceDefinitions = type(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  false,
);
export const clusterRoles = type(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterroles',
  'ClusterRole',
  false,
);
export const containers = type('bayplan.dev', 'v1alpha1', 'containers', 'Container', true);
export const images = type('bayplan.dev', 'v1alpha1', 'images', 'Image', false);
export const snapshots = type('bayplan.dev', 'v1alpha1', 'snapshots', 'Snapshot', true);
export const imagePolicies = type('bayplan.dev', 'v1alpha1', 'imagepolicies', 'ImagePolicy', false);
