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
export const endpoints = type('', 'v1', 'endpoints', 'Endpoints', true);
export const endpointSlices = type(
  'discovery.k8s.io',
  'v1',
  'endpointslices',
  'EndpointSlice',
  true,
);
export const networkPolicies = type(
  'networking.k8s.io',
  'v1',
  'networkpolicies',
  'NetworkPolicy',
  true,
);
export const serviceAccounts = type('', 'v1', 'serviceaccounts', 'ServiceAccount', true);
export const events = type('', 'v1', 'events', 'Event', true);
export const deployments = type('apps', 'v1', 'deployments', 'Deployment', true);
export const replicaSets = type('apps', 'v1', 'replicasets', 'ReplicaSet', true);
export const replicationControllers = type(
  '',
  'v1',
  'replicationcontrollers',
  'ReplicationController',
  true,
);
export const statefulSets = type('apps', 'v1', 'statefulsets', 'StatefulSet', true);
export const daemonSets = type('apps', 'v1', 'daemonsets', 'DaemonSet', true);
export const controllerRevisions = type(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
  true,
);
export const jobs = type('batch', 'v1', 'jobs', 'Job', true);
export const cronJobs = type('batch', 'v1', 'cronjobs', 'CronJob', true);
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
export const clusterRoleBindings = type(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
  false,
);
export const certificateSigningRequests = type(
  'certificates.k8s.io',
  'v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
  false,
);
export const persistentVolumes = type('', 'v1', 'persistentvolumes', 'PersistentVolume', false);
export const persistentVolumeClaims = type(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
  true,
);
export const storageClasses = type('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', false);
export const podDisruptionBudgets = type(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
  true,
);
export const horizontalPodAutoscalers = type(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
  true,
);
export const serviceCidrs = type('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR', false);
export const ipAddresses = type('networking.k8s.io', 'v1', 'ipaddresses', 'IPAddress', false);
export const containers = type('bayplan.dev', 'v1alpha1', 'containers', 'Container', true);
export const images = type('bayplan.dev', 'v1alpha1', 'images', 'Image', false);
export const snapshots = type('bayplan.dev', 'v1alpha1', 'snapshots', 'Snapshot', true);
export const imagePolicies = type('bayplan.dev', 'v1alpha1', 'imagepolicies', 'ImagePolicy', false);
