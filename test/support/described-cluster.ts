/** More documents with all that `describe` can tell of them: those that no pods come of directly. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import * as types from '#api/resources/resource-types.ts';
import { ago } from './described-pod.ts';

type Document = ApiObject & { spec?: unknown; status?: unknown };

const pod = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] };
const metadata = (name: string) => ({
  name,
  namespace: 'default',
  labels: { app: 'x', tier: 'y' },
  annotations: { note: 'one' },
});

const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: metadata('count'),
  spec: {
    completions: 4,
    parallelism: 2,
    completionMode: 'Indexed',
    activeDeadlineSeconds: 60,
    backoffLimit: 3,
    ttlSecondsAfterFinished: 100,
    template: { spec: pod },
  },
  status: {
    active: 1,
    ready: 1,
    succeeded: 2,
    failed: 1,
    startTime: ago(60),
    completedIndexes: '0,1',
  },
};

const cronJob = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: metadata('nightly'),
  spec: {
    schedule: '0 3 * * *',
    timeZone: 'Etc/UTC',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 30,
    jobTemplate: { spec: { completions: 2, parallelism: 1, template: { spec: pod } } },
  },
  status: {
    lastScheduleTime: ago(600),
    active: [{ kind: 'Job', namespace: 'default', name: 'nightly-1' }],
  },
};

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: metadata('data'),
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'local',
    resources: { requests: { storage: '1Gi' } },
  },
  status: { phase: 'Pending' },
};

const ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: metadata('front'),
  spec: {
    ingressClassName: 'own',
    tls: [{ hosts: ['a.example', 'b.example'], secretName: 'cert' }],
    rules: [
      {
        host: 'a.example',
        http: {
          paths: [
            {
              path: '/',
              pathType: 'Prefix',
              backend: { service: { name: 'web', port: { number: 80 } } },
            },
            {
              path: '/x',
              pathType: 'Exact',
              backend: { service: { name: 'no', port: { name: 'http' } } },
            },
          ],
        },
      },
    ],
  },
};

const account = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: metadata('robot'),
  imagePullSecrets: [{ name: 'login' }],
  secrets: [{ name: 'keys' }],
};

const networkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: metadata('closed'),
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        ports: [{ protocol: 'TCP', port: 80 }],
        from: [
          { podSelector: { matchLabels: { a: 'b' } } },
          {
            namespaceSelector: { matchLabels: { n: 'm' } },
            podSelector: { matchLabels: { c: 'd' } },
          },
          { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] } },
        ],
      },
      { ports: [{ protocol: 'UDP', port: 'dns' }] },
    ],
    egress: [{}],
  },
};

const autoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: metadata('grow'),
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 9,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
      },
      {
        type: 'Resource',
        resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } },
      },
    ],
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 10,
        policies: [{ type: 'Pods', value: 2, periodSeconds: 30 }],
      },
      scaleDown: { selectPolicy: 'Disabled' },
    },
  },
  status: {
    currentReplicas: 3,
    desiredReplicas: 4,
    conditions: [
      {
        type: 'AbleToScale',
        status: 'True',
        reason: 'ReadyForNewScale',
        message: 'well',
        lastTransitionTime: ago(5),
      },
    ],
    currentMetrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '40m' } },
      },
    ],
  },
};

const budget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadata('two'),
  spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
  status: { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 },
};

const quota = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: metadata('most'),
  spec: { hard: { pods: '10', 'requests.cpu': '2' } },
};

/** One resource each: kubectl tells several in no order. */
const range = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: metadata('bounds'),
  spec: {
    limits: [
      {
        type: 'Container',
        max: { cpu: '2' },
        min: { cpu: '10m' },
        default: { cpu: '500m' },
        defaultRequest: { cpu: '100m' },
      },
      { type: 'Pod', max: { memory: '4Gi' } },
    ],
  },
};

const other = (group: string, kind: string, plural: string): ResourceType => {
  return { group, version: 'v1', kind, plural, namespaced: true };
};

const quotas = other('', 'ResourceQuota', 'resourcequotas');

const all: readonly (readonly [ResourceType, object])[] = [
  [types.jobs, job],
  [types.cronJobs, cronJob],
  [types.persistentVolumeClaims, claim],
  [other('networking.k8s.io', 'Ingress', 'ingresses'), ingress],
  [types.serviceAccounts, account],
  [types.networkPolicies, networkPolicy],
  [types.horizontalPodAutoscalers, autoscaler],
  [types.podDisruptionBudgets, budget],
  [quotas, quota],
  [other('', 'LimitRange', 'limitranges'), range],
];

/** Makes them in the namespace `default`; statuses are as given, the quota's is the server's. */
export async function makeDescribedCluster(client: RemoteClient): Promise<void> {
  for (const [type, document] of all) {
    const { status, ...rest } = document as Document;
    const made = await client.collection<Document>(type).create(rest as Document);
    if (status !== undefined)
      await client.collection<Document>(type).updateStatus({ ...made, status });
  }
  const place = { namespace: 'default', name: 'most' };
  const deadline = Date.now() + 100_000;
  for (;;) {
    const { status } = await client.collection<Document>(quotas).get(place);
    if ((status as { used?: object } | undefined)?.used !== undefined) return;
    if (Date.now() > deadline) throw new Error('nobody counts what the quota bounds');
    await delay(20);
  }
}
