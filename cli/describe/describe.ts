/** Which description a kind has; those without one of their own are shown field by field. */
import type { RemoteClient } from '#api/client/client.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { DiscoveredType } from '../discovery.ts';
import { describeEvents, type EventObject, eventsOf } from './events.ts';
import { Writer } from './writer.ts';

export interface Subject {
  readonly client: RemoteClient;
  readonly type: DiscoveredType;
  readonly object: KubeObject;
}

/** Writes all but the events. */
export type Describe = (out: Writer, subject: Subject) => Promise<void> | void;

interface Description {
  readonly describe: Describe;
  /** Whether its events are told; those of some kinds are never looked for. */
  readonly events?: boolean;
}

const role = async (): Promise<Description> => ({
  describe: (await import('./roles.ts')).describeRole,
  events: false,
});
const binding = async (): Promise<Description> => ({
  describe: (await import('./roles.ts')).describeBinding,
  events: false,
});

const own: Readonly<Record<string, () => Promise<Description>>> = {
  Pod: async () => ({ describe: (await import('./pod.ts')).describePod }),
  'Deployment.apps': async () => ({
    describe: (await import('./deployment.ts')).describeDeployment,
  }),
  'ReplicaSet.apps': async () => ({
    describe: (await import('./workloads.ts')).describeReplicaSet,
  }),
  'StatefulSet.apps': async () => ({
    describe: (await import('./workloads.ts')).describeStatefulSet,
  }),
  'DaemonSet.apps': async () => ({ describe: (await import('./workloads.ts')).describeDaemonSet }),
  Service: async () => ({ describe: (await import('./service.ts')).describeService }),
  Node: async () => ({ describe: (await import('./node.ts')).describeNode }),
  ConfigMap: async () => ({ describe: (await import('./data.ts')).describeConfigMap }),
  Secret: async () => ({ describe: (await import('./data.ts')).describeSecret, events: false }),
  'Job.batch': async () => ({ describe: (await import('./jobs.ts')).describeJob }),
  'CronJob.batch': async () => ({ describe: (await import('./jobs.ts')).describeCronJob }),
  Namespace: async () => ({
    describe: (await import('./bounds.ts')).describeNamespace,
    events: false,
  }),
  ResourceQuota: async () => ({
    describe: (await import('./bounds.ts')).describeResourceQuota,
    events: false,
  }),
  LimitRange: async () => ({
    describe: (await import('./bounds.ts')).describeLimitRange,
    events: false,
  }),
  'PodDisruptionBudget.policy': async () => ({
    describe: (await import('./bounds.ts')).describeDisruptionBudget,
  }),
  'HorizontalPodAutoscaler.autoscaling': async () => ({
    describe: (await import('./autoscaler.ts')).describeAutoscaler,
  }),
  ServiceAccount: async () => ({ describe: (await import('./account.ts')).describeServiceAccount }),
  PersistentVolumeClaim: async () => ({ describe: (await import('./account.ts')).describeClaim }),
  PersistentVolume: async () => ({
    describe: (await import('./storage.ts')).describePersistentVolume,
  }),
  'StorageClass.storage.k8s.io': async () => ({
    describe: (await import('./storage.ts')).describeStorageClass,
  }),
  'Ingress.networking.k8s.io': async () => ({
    describe: (await import('./traffic.ts')).describeIngress,
  }),
  'NetworkPolicy.networking.k8s.io': async () => ({
    describe: (await import('./traffic.ts')).describeNetworkPolicy,
    events: false,
  }),
  ReplicationController: async () => ({
    describe: (await import('./workloads.ts')).describeReplicationController,
  }),
  Endpoints: async () => ({ describe: (await import('./endpoints.ts')).describeEndpoints }),
  'EndpointSlice.discovery.k8s.io': async () => ({
    describe: (await import('./endpoints.ts')).describeEndpointSlice,
  }),
  'Role.rbac.authorization.k8s.io': role,
  'ClusterRole.rbac.authorization.k8s.io': role,
  'RoleBinding.rbac.authorization.k8s.io': binding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': binding,
  'PriorityClass.scheduling.k8s.io': async () => ({
    describe: (await import('./classes.ts')).describePriorityClass,
  }),
  'IngressClass.networking.k8s.io': async () => ({
    describe: (await import('./classes.ts')).describeIngressClass,
  }),
  'ServiceCIDR.networking.k8s.io': async () => ({
    describe: (await import('./classes.ts')).describeServiceCidr,
  }),
  'IPAddress.networking.k8s.io': async () => ({
    describe: (await import('./classes.ts')).describeIpAddress,
  }),
  'CertificateSigningRequest.certificates.k8s.io': async () => ({
    describe: (await import('./certificate-request.ts')).describeCertificateRequest,
  }),
  'CSINode.storage.k8s.io': async () => ({
    describe: (await import('./csi-node.ts')).describeCsiNode,
  }),
};

async function descriptionOf({ kind, group }: DiscoveredType): Promise<Description> {
  const found = own[group === '' ? kind : `${kind}.${group}`];
  if (found !== undefined) return found();
  return { describe: (await import('./any-kind.ts')).describeAnyKind };
}

/** What `bay describe` says of the object. */
export async function describe(subject: Subject, withEvents: boolean): Promise<string> {
  const { describe: write, events = true } = await descriptionOf(subject.type);
  const out = new Writer();
  const shown: Promise<EventObject[]> | undefined =
    withEvents && events ? eventsOf(subject.client, subject.object) : undefined;
  // It may fail first: then the description's own failure is told.
  shown?.catch(() => undefined);
  await write(out, subject);
  if (shown !== undefined) describeEvents(out, await shown);
  return out.text();
}
