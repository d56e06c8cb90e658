/**
 * Defaults: what the schema says (a custom kind's definition; a few facts of built-in types), and for built-in kinds
 * what Kubernetes' `SetDefaults_…` functions do, one table. Applied to every object that is decoded, before admission, and to what a patch has made.
 */
import { cloneJson } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { applySchemaDefaults } from '../schema/fields.ts';
import type { Kind } from '../schema/kind.ts';
import * as core from './defaults/core.ts';
import * as devices from './defaults/devices.ts';
import * as network from './defaults/network.ts';
import { defaultPod } from './defaults/pod.ts';
import * as policy from './defaults/policy.ts';
import * as storage from './defaults/storage.ts';
import * as workload from './defaults/workload.ts';

type Defaulting = (object: KubeObject) => void;

/** By `group/version/Kind`. */
const DEFAULTS: Readonly<Record<string, Defaulting>> = {
  '/v1/Endpoints': network.defaultEndpoints,
  '/v1/LimitRange': core.defaultLimitRange,
  '/v1/Namespace': core.defaultNamespace,
  '/v1/Node': core.defaultNode,
  '/v1/PersistentVolume': storage.defaultPersistentVolume,
  '/v1/PersistentVolumeClaim': storage.defaultClaim,
  '/v1/Pod': defaultPod,
  '/v1/PodTemplate': workload.defaultPodTemplate,
  '/v1/ReplicationController': workload.defaultReplicationController,
  '/v1/Secret': core.defaultSecret,
  '/v1/Service': network.defaultService,
  'apps/v1/DaemonSet': workload.defaultDaemonSet,
  'apps/v1/Deployment': workload.defaultDeployment,
  'apps/v1/ReplicaSet': workload.defaultReplicaSet,
  'apps/v1/StatefulSet': workload.defaultStatefulSet,
  'batch/v1/CronJob': workload.defaultCronJob,
  'batch/v1/Job': workload.defaultJob,
  'autoscaling/v1/HorizontalPodAutoscaler': policy.defaultAutoscalerV1,
  'autoscaling/v2/HorizontalPodAutoscaler': policy.defaultAutoscaler,
  'discovery.k8s.io/v1/EndpointSlice': network.defaultEndpointSlice,
  'networking.k8s.io/v1/IngressClass': network.defaultIngressClass,
  'networking.k8s.io/v1/NetworkPolicy': network.defaultNetworkPolicy,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': policy.defaultRoleBinding,
  'rbac.authorization.k8s.io/v1/RoleBinding': policy.defaultRoleBinding,
  'resource.k8s.io/v1/ResourceClaim': devices.defaultClaim,
  'resource.k8s.io/v1/ResourceClaimTemplate': devices.defaultClaimTemplate,
  'scheduling.k8s.io/v1/PriorityClass': policy.defaultPriorityClass,
  'storage.k8s.io/v1/CSIDriver': storage.defaultCsiDriver,
  'storage.k8s.io/v1/StorageClass': storage.defaultStorageClass,
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': policy.defaultWebhooks,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': policy.defaultWebhooks,
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': policy.defaultAdmissionPolicy,
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': policy.defaultPolicyBinding,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': policy.defaultAdmissionPolicy,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': policy.defaultPolicyBinding,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': policy.defaultDefinition,
  'apiregistration.k8s.io/v1/APIService': policy.defaultApiService,
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': policy.defaultFlowSchema,
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': policy.defaultPriorityLevel,
};

/** A copy of the object with all defaults of its kind. */
export function applyDefaults(kind: Kind, object: KubeObject): KubeObject {
  const copy = applySchemaDefaults(kind.schema, cloneJson(object));
  if (kind.custom === undefined) DEFAULTS[`${kind.group}/${kind.version}/${kind.kind}`]?.(copy);
  return copy;
}
