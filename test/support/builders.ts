/** Objects for tests, with as little as makes them valid. */
import type {
  Deployment,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  ReplicaSet,
  Service,
  StorageClass,
} from '#api/resources/types.ts';

export function aPod(name: string, spec: Partial<PodSpec> = {}, labels = { app: name }): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
  };
}

/** A pod whose one container asks for this. */
export const asking = (name: string, requests: Record<string, string>, spec = {}): Pod =>
  aPod(name, {
    containers: [{ name: 'main', image: 'busybox', resources: { requests } }],
    ...spec,
  });

export function aNode(
  name: string,
  allocatable: Record<string, string> = {},
  more: { labels?: Record<string, string>; spec?: Node['spec']; ready?: string } = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    ...(more.spec === undefined ? {} : { spec: more.spec }),
    status: {
      allocatable: { cpu: '2', memory: '4Gi', pods: '110', ...allocatable },
      conditions: [{ type: 'Ready', status: more.ready ?? 'True' }],
    },
  };
}

export function aReplicaSet(name: string, replicas: number, spec = {}): ReplicaSet {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { name: '', labels }, spec: aPod(name).spec },
      ...spec,
    } as NonNullable<ReplicaSet['spec']>,
  };
}

export function aDeployment(name: string, replicas: number, spec = {}): Deployment {
  return {
    ...(aReplicaSet(name, replicas) as unknown as Deployment),
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(aReplicaSet(name, replicas).spec as NonNullable<Deployment['spec']>),
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
      },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}

/** A Service that selects `app: NAME`. */
export function aService(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { team: 'a' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.10',
      ipFamilies: ['IPv4'],
      selector: { app: name },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...spec,
    } as NonNullable<Service['spec']>,
  };
}

/** A pod on node `a` that has an address, ready unless told otherwise. */
export function aRunningPod(name: string, app: string, ip: string, more: Partial<Pod> = {}): Pod {
  const pod = aPod(name, { nodeName: 'a', ...more.spec }, { app });
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: `uid-${name}`, ...more.metadata },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: 'True' }],
      ...more.status,
    },
  };
}

/** A claim on a mebibyte of the class `local`, as the API stores it. */
export function aClaim(name: string, spec = {}, annotations = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, annotations },
    spec: {
      storageClassName: 'local',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Mi' } },
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

/** A free volume of two mebibytes of the class `local`. */
export function aVolume(name: string, spec = {}, metadata = {}): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...metadata },
    spec: {
      storageClassName: 'local',
      capacity: { storage: '2Mi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/mnt/${name}` },
      ...spec,
    },
    status: { phase: 'Available' },
  };
}

/** The class `local`, which waits for the first consumer, or another. */
export function aStorageClass(name = 'local', more: Partial<StorageClass> = {}): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'bayplan.dev/local',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
    ...more,
  };
}

/** A node that keeps persistent volumes below `/data`. */
export function aNodeWithDisk(name: string): Node {
  const node = aNode(name);
  const annotations = { 'bayplan.dev/persistent-volumes': '/data' };
  return { ...node, metadata: { ...node.metadata, annotations } };
}
