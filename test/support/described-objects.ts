/** Documents with all that `describe` can tell of them, status included. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import * as types from '#api/resources/resource-types.ts';
import { ago, pod } from './described-pod.ts';

type Document = ApiObject & { spec?: unknown; status?: unknown };

const template = {
  metadata: { labels: { app: 'web' }, annotations: { 'example.com/note': 'x' } },
  spec: {
    initContainers: [{ name: 'first', image: 'busybox', command: ['true'] }],
    containers: [
      {
        name: 'main',
        image: 'nginx:1',
        ports: [{ containerPort: 80, name: 'http' }, { containerPort: 443 }],
        env: [{ name: 'A', value: 'one\ntwo' }],
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '250m' } },
        livenessProbe: { httpGet: { path: '/live', port: 'http' }, initialDelaySeconds: 3 },
      },
    ],
    volumes: [{ name: 'scratch', emptyDir: {} }],
  },
};

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    labels: { app: 'web' },
    annotations: { 'deployment.kubernetes.io/revision': '2' },
  },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
  status: {
    replicas: 3,
    updatedReplicas: 2,
    availableReplicas: 1,
    unavailableReplicas: 2,
    conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }],
  },
};

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '', zone: 'a' } },
  spec: {
    podCIDR: '10.244.0.0/24',
    podCIDRs: ['10.244.0.0/24'],
    taints: [
      { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
      { key: 'old', effect: 'NoExecute' },
    ],
  },
  status: {
    capacity: { cpu: '4', memory: '8Gi', pods: '110' },
    allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        lastHeartbeatTime: ago(5),
        lastTransitionTime: ago(500),
        reason: 'AgentReady',
        message: 'all is well',
      },
    ],
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    nodeInfo: {
      machineID: 'm',
      systemUUID: 'u',
      bootID: 'b',
      kernelVersion: '6',
      osImage: 'Debian',
      containerRuntimeVersion: 'bayplan://1',
      kubeletVersion: 'v1.36.0',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  },
};

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    type: 'NodePort',
    selector: { app: 'web', tier: 'a' },
    ports: [
      { name: 'http', port: 80, targetPort: 'http' },
      { name: 'https', port: 443, targetPort: 8443 },
    ],
  },
};

const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.244.0.${n}`] })),
};

const claimed = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db' },
  spec: {
    serviceName: 'db',
    selector: { matchLabels: { app: 'web' } },
    template,
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
  },
};

const daemons = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'each' },
  spec: { selector: { matchLabels: { app: 'web' } }, template },
};

const event = (name: string, of: object, more: object) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name },
  involvedObject: of,
  type: 'Normal',
  reason: 'Pulled',
  message: 'Container image is there\n',
  source: { component: 'agent' },
  firstTimestamp: ago(3_600 * 30),
  lastTimestamp: ago(3_600 * 20),
  count: 1,
  ...more,
});

/** Makes them in the namespace; statuses are as given. */
export async function makeDescribed(client: RemoteClient, namespace = 'default'): Promise<void> {
  const put = async (type: ResourceType, document: object): Promise<ApiObject> => {
    const { metadata, ...rest } = document as Document;
    const placed = type.namespaced ? { ...metadata, namespace } : metadata;
    const made = await client.collection<Document>(type).create({ ...rest, metadata: placed });
    if (rest.status === undefined) return made;
    return client.collection<Document>(type).updateStatus({ ...made, status: rest.status });
  };
  await put(types.nodes, node);
  const made = await put(types.pods, pod);
  const { uid } = await put(types.deployments, deployment).then(({ metadata }) => metadata);
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true };
  for (const number of [1, 2]) {
    const pinned = {
      ...template,
      metadata: { ...template.metadata, labels: { app: 'web', 'pod-template-hash': `${number}` } },
      spec: {
        ...template.spec,
        containers: template.spec.containers.map((one) => ({
          ...one,
          image: `nginx:${number === 2 ? 1 : 0}`,
        })),
      },
    };
    await put(types.replicaSets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `web-${number}`,
        annotations: {
          'deployment.kubernetes.io/revision': String(number),
          ...(number === 1 ? { 'kubernetes.io/change-cause': 'the first' } : {}),
        },
        ownerReferences: [owner],
        labels: { app: 'web' },
      },
      spec: {
        replicas: number,
        selector: { matchLabels: { app: 'web', 'pod-template-hash': `${number}` } },
        template: pinned,
      },
      status: { replicas: number },
    });
  }
  await put(types.services, service);
  await put(types.endpointSlices, slice);
  await put(types.statefulSets, claimed);
  await put(types.daemonSets, daemons);
  await put(types.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'texts' },
    data: { b: 'two', a: 'one\nline\n' },
    binaryData: { bin: 'AAEC' },
  });
  await put(types.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys' },
    data: { k: 'AAEC' },
  });
  await put(types.leases, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'held', labels: { a: 'b' }, ownerReferences: [owner] },
    spec: { holderIdentity: 'me', leaseDurationSeconds: 40 },
  });
  const of = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'full', uid: made.metadata.uid };
  await put(types.events, event('one', of, {}));
  await put(
    types.events,
    event('two', of, {
      type: 'Warning',
      reason: 'BackOff',
      count: 7,
      lastTimestamp: ago(3_600 * 15),
    }),
  );
}
