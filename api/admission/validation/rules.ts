/** Which functions judge which kind. */
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import * as access from './access.ts';
import { checkApiService } from './api-service.ts';
import * as batch from './batch.ts';
import * as certificates from './certificates.ts';
import * as addresses from './cluster-addresses.ts';
import * as configuration from './configuration.ts';
import * as control from './control.ts';
import * as core from './core.ts';
import * as definition from './definition.ts';
import * as devices from './devices.ts';
import { checkLimitRange } from './limit-range.ts';
import * as network from './network.ts';
import { checkPod, checkPodCreate } from './pod.ts';
import { checkPodUpdate } from './pod-update.ts';
import * as policy from './policy.ts';
import * as service from './service.ts';
import * as storage from './storage.ts';
import * as workload from './workload.ts';

export interface Rules {
  /** Judges a whole object, whether created or updated. */
  readonly whole?: (object: KubeObject) => StatusCause[];
  /** Judges a new object in place of `whole`, where creation has rules of its own. */
  readonly create?: (object: KubeObject) => StatusCause[];
  /** Judges the change alone. */
  readonly update?: (object: KubeObject, old: KubeObject) => StatusCause[];
  /** Judges an object that `/approval` has changed. */
  readonly approval?: (object: KubeObject, old: KubeObject) => StatusCause[];
  /** Judges an object whose status alone has changed. */
  readonly status?: (object: KubeObject, old: KubeObject) => StatusCause[];
}

const role: Rules = { whole: access.checkRole };
const binding: Rules = { whole: access.checkBinding, update: access.checkBindingUpdate };
const lasting = (whole: NonNullable<Rules['whole']>): Rules => ({
  whole,
  update: workload.checkSelectorUpdate,
});

/** By `group/Kind`. */
const RULES: Readonly<Record<string, Rules>> = {
  '/ConfigMap': {
    whole: configuration.checkConfigMap,
    update: configuration.checkConfigMapUpdate,
  },
  '/Endpoints': { whole: network.checkEndpoints },
  '/Event': { whole: core.checkEvent },
  '/LimitRange': { whole: checkLimitRange },
  '/Namespace': { whole: core.checkNamespace },
  '/Node': { whole: core.checkNode },
  '/PersistentVolume': {
    whole: core.checkPersistentVolume,
    update: core.checkPersistentVolumeUpdate,
  },
  '/PersistentVolumeClaim': { whole: core.checkClaim, update: core.checkClaimUpdate },
  '/Pod': { whole: checkPod, create: checkPodCreate, update: checkPodUpdate },
  '/PodTemplate': { whole: control.checkPodTemplate },
  '/ReplicationController': { whole: workload.checkReplicationController },
  '/ResourceQuota': { whole: core.checkResourceQuota },
  '/Secret': { whole: configuration.checkSecret, update: configuration.checkSecretUpdate },
  '/Service': { whole: service.checkService, update: service.checkServiceUpdate },
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': { whole: control.checkMutatingPolicy },
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': {
    whole: control.checkMutatingBinding,
  },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': {
    whole: control.checkValidatingPolicy,
  },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': {
    whole: control.checkValidatingBinding,
  },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { whole: policy.checkWebhooks },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { whole: policy.checkWebhooks },
  'apiextensions.k8s.io/CustomResourceDefinition': {
    whole: definition.checkDefinition,
    update: definition.checkDefinitionUpdate,
    status: definition.checkStoredVersions,
  },
  'apiregistration.k8s.io/APIService': { whole: checkApiService },
  'apps/ControllerRevision': {
    whole: control.checkRevision,
    update: control.checkRevisionUpdate,
  },
  'apps/DaemonSet': lasting(workload.checkDaemonSet),
  'apps/Deployment': lasting(workload.checkDeployment),
  'apps/ReplicaSet': lasting(workload.checkReplicaSet),
  'apps/StatefulSet': {
    whole: workload.checkStatefulSet,
    update: workload.checkStatefulSetUpdate,
  },
  'autoscaling/HorizontalPodAutoscaler': { whole: policy.checkAutoscaler },
  'batch/CronJob': { whole: batch.checkCronJob },
  'batch/Job': { whole: batch.checkJob, update: batch.checkJobUpdate },
  'certificates.k8s.io/CertificateSigningRequest': {
    whole: certificates.checkSigningRequest,
    update: certificates.checkSigningUpdate,
    status: certificates.checkSigningStatus,
    approval: certificates.checkApproval,
  },
  'coordination.k8s.io/Lease': { whole: core.checkLease },
  'discovery.k8s.io/EndpointSlice': { whole: network.checkEndpointSlice },
  'events.k8s.io/Event': { whole: core.checkEvent },
  'flowcontrol.apiserver.k8s.io/FlowSchema': { whole: control.checkFlowSchema },
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': {
    whole: control.checkPriorityLevel,
  },
  'networking.k8s.io/IPAddress': {
    whole: addresses.checkAddress,
    update: addresses.checkAddressUpdate,
  },
  'networking.k8s.io/Ingress': { whole: network.checkIngress },
  'networking.k8s.io/IngressClass': {
    whole: control.checkIngressClass,
    update: control.checkIngressClassUpdate,
  },
  'networking.k8s.io/NetworkPolicy': { whole: network.checkNetworkPolicy },
  'networking.k8s.io/ServiceCIDR': {
    whole: addresses.checkServiceCidr,
    update: addresses.checkServiceCidrUpdate,
  },
  'node.k8s.io/RuntimeClass': {
    whole: policy.checkRuntimeClass,
    update: policy.checkRuntimeClassUpdate,
  },
  'policy/PodDisruptionBudget': { whole: policy.checkDisruptionBudget },
  'rbac.authorization.k8s.io/ClusterRole': role,
  'rbac.authorization.k8s.io/ClusterRoleBinding': binding,
  'rbac.authorization.k8s.io/Role': role,
  'rbac.authorization.k8s.io/RoleBinding': binding,
  'resource.k8s.io/DeviceClass': { whole: devices.checkDeviceClass },
  'resource.k8s.io/ResourceClaim': {
    whole: devices.checkClaim,
    update: devices.checkFixedSpec,
  },
  'resource.k8s.io/ResourceClaimTemplate': {
    whole: devices.checkClaimTemplate,
    update: devices.checkFixedSpec,
  },
  'resource.k8s.io/ResourceSlice': {
    whole: devices.checkSlice,
    update: devices.checkSliceUpdate,
  },
  'scheduling.k8s.io/PriorityClass': {
    whole: policy.checkPriorityClass,
    update: policy.checkPriorityClassUpdate,
  },
  'storage.k8s.io/CSIDriver': {
    whole: storage.checkCsiDriver,
    update: storage.checkCsiDriverUpdate,
  },
  'storage.k8s.io/CSINode': { whole: storage.checkCsiNode },
  'storage.k8s.io/CSIStorageCapacity': {
    whole: storage.checkCapacity,
    update: storage.checkCapacityUpdate,
  },
  'storage.k8s.io/StorageClass': {
    whole: policy.checkStorageClass,
    update: policy.checkStorageClassUpdate,
  },
  'storage.k8s.io/VolumeAttachment': {
    whole: storage.checkAttachment,
    update: storage.checkAttachmentUpdate,
  },
  'storage.k8s.io/VolumeAttributesClass': {
    whole: storage.checkAttributesClass,
    update: storage.checkAttributesClassUpdate,
  },
};

const NONE: Rules = {};

/** The kind's rules; custom kinds have those of their schema alone. */
export function rulesOf(kind: ResourceType & { readonly custom?: unknown }): Rules {
  return kind.custom === undefined ? (RULES[`${kind.group}/${kind.kind}`] ?? NONE) : NONE;
}
