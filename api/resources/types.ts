/**
 * The built-in kinds as they are on the wire. The shapes come from `@kubernetes/client-node`'s declarations
 * (types only, nothing is loaded at run time); its `Date`s are RFC 3339 strings here.
 */
import type * as k8s from '@kubernetes/client-node';
import type { ObjectMeta } from './meta.ts';

/** client-node's model as JSON carries it: dates are strings, metadata is ours. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? string extends keyof T
        ? { [K in keyof T]: Wire<T[K]> }
        : 'managedFields' extends keyof T
          ? ObjectMeta
          : { [K in keyof T]: Wire<T[K]> }
      : T;

/** A top-level object: `apiVersion`, `kind` and `metadata` are always there. */
export type Top<T> = Omit<Wire<T>, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
};

export type Pod = Top<k8s.V1Pod>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodCondition = Wire<k8s.V1PodCondition>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type ContainerState = Wire<k8s.V1ContainerState>;
export type PodContainer = Wire<k8s.V1Container>;
export type EnvVar = Wire<k8s.V1EnvVar>;
export type Volume = Wire<k8s.V1Volume>;
export type VolumeMount = Wire<k8s.V1VolumeMount>;
export type Probe = Wire<k8s.V1Probe>;
export type Toleration = Wire<k8s.V1Toleration>;
export type Taint = Wire<k8s.V1Taint>;
export type Node = Top<k8s.V1Node>;
export type NodeCondition = Wire<k8s.V1NodeCondition>;
export type Namespace = Top<k8s.V1Namespace>;
export type ConfigMap = Top<k8s.V1ConfigMap>;
export type Secret = Top<k8s.V1Secret>;
export type Service = Top<k8s.V1Service>;
export type NetworkPolicy = Top<k8s.V1NetworkPolicy>;
export type ServiceAccount = Top<k8s.V1ServiceAccount>;
export type Event = Top<k8s.CoreV1Event>;
export type Deployment = Top<k8s.V1Deployment>;
export type DeploymentCondition = Wire<k8s.V1DeploymentCondition>;
export type ReplicaSet = Top<k8s.V1ReplicaSet>;
export type ReplicationController = Top<k8s.V1ReplicationController>;
export type StatefulSet = Top<k8s.V1StatefulSet>;
export type DaemonSet = Top<k8s.V1DaemonSet>;
export type ControllerRevision = Omit<Top<k8s.V1ControllerRevision>, 'data'> & {
  data?: Record<string, unknown>;
};
export type Job = Top<k8s.V1Job>;
export type JobCondition = Wire<k8s.V1JobCondition>;
export type CronJob = Top<k8s.V1CronJob>;
export type Lease = Top<k8s.V1Lease>;
export type ClusterRoleBinding = Top<k8s.V1ClusterRoleBinding>;
export type ClusterRole = Top<k8s.V1ClusterRole>;
export type CertificateSigningRequest = Top<k8s.V1CertificateSigningRequest>;
export type PersistentVolume = Top<k8s.V1PersistentVolume>;
export type PersistentVolumeClaim = Top<k8s.V1PersistentVolumeClaim>;
export type ServiceCidr = Top<k8s.V1ServiceCIDR>;
export type IpAddress = Top<k8s.V1IPAddress>;
export type Endpoints = Top<k8s.V1Endpoints>;
export type EndpointSubset = Wire<k8s.V1EndpointSubset>;
export type EndpointAddress = Wire<k8s.V1EndpointAddress>;
export type EndpointSlice = Top<k8s.V1EndpointSlice>;
export type Endpoint = Wire<k8s.V1Endpoint>;
/** Of an EndpointSlice; the same shape in `Endpoints`, where `port` is always there. */
export type EndpointPort = Wire<k8s.DiscoveryV1EndpointPort>;
export type ServicePort = Wire<k8s.V1ServicePort>;
export type PodDisruptionBudget = Top<k8s.V1PodDisruptionBudget>;
export type HorizontalPodAutoscaler = Top<k8s.V2HorizontalPodAutoscaler>;
export type StorageClass = Top<k8s.V1StorageClass>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type CustomResourceDefinition = Top<k8s.V1CustomResourceDefinition>;
