/**
 * What single kinds do beyond the generic when they are created or updated: Kubernetes' `strategy.go` files as one
 * table. Each function gets objects of its own (already copied) and changes them in place.
 */
import type { JsonObject } from '#api/resources/json.ts';
import { isObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { defaultBalanced } from '../admission/defaults/network.ts';
import { selectByUid } from './job.ts';
import { qualityOfService } from './quality-of-service.ts';
import { prepareServiceUpdate } from './service.ts';
import {
  createSigningRequest,
  type Requester,
  updateSigningRequest,
  updateSigningStatus,
} from './signing-request.ts';

export interface Strategy {
  /** Whether `metadata.generation` counts the changes of what is desired. */
  readonly generation?: boolean;
  /** Whether clients may set `status` while creating (nodes register with theirs). */
  readonly keepsStatus?: boolean;
  readonly create?: (object: KubeObject, now: Date, user: Requester | undefined) => void;
  readonly update?: (object: KubeObject, old: KubeObject) => void;
  readonly updateStatus?: (object: KubeObject, old: KubeObject) => void;
}

const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);

function createPod(pod: KubeObject, now: Date): void {
  const spec = specOf(pod);
  const gated = objectsOf(spec['schedulingGates']).length > 0;
  pod['status'] = {
    phase: 'Pending',
    ...(gated ? { conditions: [gatedCondition(now)] } : {}),
    qosClass: qualityOfService(spec),
  };
}

function gatedCondition(now: Date): JsonObject {
  return {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastProbeTime: null,
    lastTransitionTime: `${now.toISOString().slice(0, 19)}Z`,
  };
}

function updatePodStatus(pod: KubeObject, old: KubeObject): void {
  const qosClass = objectOr(old['status'])['qosClass'];
  if (qosClass !== undefined && isObject(pod['status'])) pod['status']['qosClass'] = qosClass;
  if (old.metadata.ownerReferences === undefined) delete pod.metadata.ownerReferences;
  else pod.metadata.ownerReferences = old.metadata.ownerReferences;
}

/** Only `/finalize` changes a namespace's own finalizers. */
function updateNamespace(namespace: KubeObject, old: KubeObject): void {
  const finalizers = specOf(old)['finalizers'];
  const spec = { ...specOf(namespace) };
  delete spec['finalizers'];
  namespace['spec'] = finalizers === undefined ? spec : { ...spec, finalizers };
}

function createNamespace(namespace: KubeObject): void {
  const finalizers = specOf(namespace)['finalizers'];
  const named = Array.isArray(finalizers) ? finalizers : [];
  namespace['spec'] = {
    ...specOf(namespace),
    finalizers: named.includes('kubernetes') ? named : [...named, 'kubernetes'],
  };
  namespace['status'] = { phase: 'Active' };
}

function createDefinition(definition: KubeObject): void {
  const versions = objectsOf(specOf(definition)['versions']);
  const stored = versions.filter((version) => version['storage'] === true);
  definition['status'] = {
    conditions: [],
    acceptedNames: { plural: '', kind: '' },
    storedVersions: stored.map((version) => version['name']),
  };
}

function updateDefinition(definition: KubeObject, old: KubeObject): void {
  const status = objectOr(old['status']);
  const known = Array.isArray(status['storedVersions']) ? status['storedVersions'] : [];
  const versions = objectsOf(specOf(definition)['versions']);
  const stored = versions.filter((version) => version['storage'] === true);
  const names = new Set([...known, ...stored.map((version) => version['name'])]);
  definition['status'] = { ...status, storedVersions: [...names] };
}

function keepLabels(object: KubeObject, old: KubeObject): void {
  if (old.metadata.labels === undefined) delete object.metadata.labels;
  else object.metadata.labels = old.metadata.labels;
}

const phase = (name: string) => (object: KubeObject) => {
  object['status'] = { phase: name };
};

const counted: Strategy = { generation: true };

/** By `group/Kind`. */
const STRATEGIES: Readonly<Record<string, Strategy>> = {
  '/Namespace': { create: createNamespace, update: updateNamespace },
  '/Node': { keepsStatus: true },
  '/PersistentVolume': { create: phase('Pending') },
  '/PersistentVolumeClaim': { create: phase('Pending') },
  '/Pod': { generation: true, create: createPod, updateStatus: updatePodStatus },
  '/ReplicationController': counted,
  '/Service': {
    create: (service) => {
      service['status'] = { loadBalancer: {} };
    },
    update: prepareServiceUpdate,
    updateStatus: defaultBalanced,
  },
  'apps/DaemonSet': counted,
  'apps/Deployment': { generation: true, updateStatus: keepLabels },
  'apps/ReplicaSet': counted,
  'apps/StatefulSet': counted,
  'batch/CronJob': counted,
  'certificates.k8s.io/CertificateSigningRequest': {
    create: createSigningRequest,
    update: updateSigningRequest,
    updateStatus: updateSigningStatus,
  },
  'batch/Job': { generation: true, create: selectByUid },
  'policy/PodDisruptionBudget': counted,
  'networking.k8s.io/Ingress': counted,
  'networking.k8s.io/IngressClass': counted,
  'networking.k8s.io/NetworkPolicy': counted,
  'scheduling.k8s.io/PriorityClass': counted,
  'flowcontrol.apiserver.k8s.io/FlowSchema': counted,
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': counted,
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': counted,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': counted,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': counted,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': counted,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': counted,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': counted,
  'resource.k8s.io/DeviceClass': counted,
  'resource.k8s.io/ResourceSlice': counted,
  'apiextensions.k8s.io/CustomResourceDefinition': {
    generation: true,
    create: createDefinition,
    update: updateDefinition,
  },
};

const NONE: Strategy = {};

/** What this kind does beyond the generic; custom kinds count generations and nothing else. */
export function strategyOf(kind: ResourceType & { readonly custom?: unknown }): Strategy {
  if (kind.custom !== undefined) return counted;
  return STRATEGIES[`${kind.group}/${kind.kind}`] ?? NONE;
}
