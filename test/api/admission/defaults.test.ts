import t from 'tap';
import { pullPolicy } from '#api/admission/defaults/image.ts';
import { applyDefaults } from '#api/admission/defaults.ts';
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;

function defaulted(apiVersion: string, kind: string, rest: JsonObject): KubeObject {
  const object = { apiVersion, kind, metadata: { name: 'x' }, ...rest } as KubeObject;
  const before = JSON.stringify(object);
  const result = applyDefaults(kindOf(apiVersion, kind), object);
  if (JSON.stringify(object) !== before) throw new Error(`defaulting ${kind} changed its argument`);
  const again = applyDefaults(kindOf(apiVersion, kind), result);
  if (JSON.stringify(again) !== JSON.stringify(result))
    throw new Error(`defaulting ${kind} twice differs`);
  return result;
}

const container = (image: string, more: JsonObject = {}): JsonObject => ({
  name: 'c',
  image,
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  ...more,
});
const podSpec = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};
const template = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'i:1' }] },
};
const fullTemplate = { ...template, spec: { ...podSpec, containers: [container('i:1')] } };

t.test('a pod of one container gets what Kubernetes gives it', async (t) => {
  const pod = defaulted('v1', 'Pod', { spec: { containers: [{ name: 'c', image: 'nginx' }] } });
  t.strictSame(pod['spec'], {
    ...podSpec,
    enableServiceLinks: true,
    containers: [container('nginx', { imagePullPolicy: 'Always' })],
  });
});

t.test('each part of a pod gets its defaults', async (t) => {
  const pod = defaulted('v1', 'Pod', {
    spec: {
      hostNetwork: true,
      serviceAccount: 'robot',
      containers: [
        {
          name: 'c',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5 },
          readinessProbe: { grpc: { port: 9 } },
          lifecycle: { preStop: { httpGet: { port: 80 } } },
          resources: { limits: { cpu: '500m', memory: '1Mi' }, requests: { cpu: '250m' } },
        },
      ],
      volumes: [
        { name: 'a' },
        { name: 'b', secret: { secretName: 's' } },
        { name: 'c', hostPath: { path: '/x' } },
        {
          name: 'd',
          projected: {
            sources: [
              { serviceAccountToken: { path: 't' } },
              { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
            ],
          },
        },
        { name: 'e', rbd: { monitors: ['m'], image: 'i' } },
        { name: 'f', image: { reference: 'r:latest' } },
      ],
    },
  });
  t.strictSame(pod['spec'], {
    ...podSpec,
    hostNetwork: true,
    serviceAccount: 'robot',
    serviceAccountName: 'robot',
    enableServiceLinks: true,
    containers: [
      container('nginx:1.27', {
        ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
        env: [
          { name: 'N', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
        ],
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          periodSeconds: 5,
          timeoutSeconds: 1,
          successThreshold: 1,
          failureThreshold: 3,
        },
        readinessProbe: {
          grpc: { port: 9, service: '' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        lifecycle: { preStop: { httpGet: { port: 80, path: '/', scheme: 'HTTP' } } },
        resources: {
          limits: { cpu: '500m', memory: '1Mi' },
          requests: { cpu: '250m', memory: '1Mi' },
        },
      }),
    ],
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'c', hostPath: { path: '/x', type: '' } },
      {
        name: 'd',
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { path: 't', expirationSeconds: 3600 } },
            {
              downwardAPI: {
                items: [{ path: 'n', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }],
              },
            },
          ],
        },
      },
      {
        name: 'e',
        rbd: {
          monitors: ['m'],
          image: 'i',
          pool: 'rbd',
          user: 'admin',
          keyring: '/etc/ceph/keyring',
        },
      },
      { name: 'f', image: { reference: 'r:latest', pullPolicy: 'Always' } },
    ],
  });
});

t.test('an image is pulled always only when its tag is latest', async (t) => {
  const cases: [string, string][] = [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:abc', 'IfNotPresent'],
  ];
  for (const [image, policy] of cases) t.equal(pullPolicy(image), policy, image);
});

type Case = [apiVersion: string, kind: string, given: JsonObject, expected: JsonObject];

const CASES: Case[] = [
  [
    'apps/v1',
    'Deployment',
    { spec: { selector: {}, template } },
    {
      spec: {
        selector: {},
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
        },
        template: fullTemplate,
      },
    },
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { replicas: 0, strategy: { type: 'Recreate' } } },
    {
      spec: {
        replicas: 0,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'Recreate' },
      },
    },
  ],
  [
    'apps/v1',
    'ReplicaSet',
    { spec: { template } },
    { spec: { replicas: 1, template: fullTemplate } },
  ],
  [
    'apps/v1',
    'DaemonSet',
    { spec: { template } },
    {
      spec: {
        revisionHistoryLimit: 10,
        updateStrategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
        },
        template: fullTemplate,
      },
    },
  ],
  [
    'apps/v1',
    'StatefulSet',
    { spec: { template, volumeClaimTemplates: [{ metadata: { name: 'd' } }] } },
    {
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'd' },
            spec: { volumeMode: 'Filesystem' },
            status: { phase: 'Pending' },
          },
        ],
        template: fullTemplate,
      },
    },
  ],
  [
    'batch/v1',
    'Job',
    { spec: { template } },
    {
      metadata: { name: 'x', labels: { app: 'x' } },
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
        template: fullTemplate,
      },
    },
  ],
  [
    'batch/v1',
    'CronJob',
    { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } },
    {
      spec: {
        schedule: '* * * * *',
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
        jobTemplate: { spec: { template: fullTemplate } },
      },
    },
  ],
  [
    'v1',
    'ReplicationController',
    { spec: { template } },
    {
      metadata: { name: 'x', labels: { app: 'x' } },
      spec: { replicas: 1, selector: { app: 'x' }, template: fullTemplate },
    },
  ],
  [
    'v1',
    'Service',
    { spec: { ports: [{ port: 80 }] } },
    {
      spec: {
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
        internalTrafficPolicy: 'Cluster',
      },
    },
  ],
  [
    'v1',
    'Service',
    {
      spec: {
        type: 'NodePort',
        sessionAffinity: 'ClientIP',
        ports: [{ port: 80, targetPort: 'web' }],
      },
    },
    {
      spec: {
        type: 'NodePort',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        ports: [{ port: 80, protocol: 'TCP', targetPort: 'web' }],
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
      },
    },
  ],
  ['v1', 'Secret', { stringData: { a: 'b' } }, { type: 'Opaque', data: { a: 'Yg==' } }],
  [
    'v1',
    'Namespace',
    {},
    {
      metadata: { name: 'x', labels: { 'kubernetes.io/metadata.name': 'x' } },
      status: { phase: 'Active' },
    },
  ],
  [
    'v1',
    'PersistentVolume',
    { spec: { capacity: { storage: '1Gi' }, hostPath: { path: '/d' } } },
    {
      spec: {
        capacity: { storage: '1Gi' },
        hostPath: { path: '/d', type: '' },
        persistentVolumeReclaimPolicy: 'Retain',
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Pending' },
    },
  ],
  [
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } },
    {
      spec: {
        podSelector: {},
        egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
        policyTypes: ['Ingress', 'Egress'],
      },
    },
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    },
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    },
  ],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { spec: { names: { kind: 'Widget', plural: 'widgets' } } },
    {
      spec: {
        names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
        conversion: { strategy: 'None' },
      },
    },
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { spec: { maxReplicas: 3 } },
    {
      spec: {
        maxReplicas: 3,
        minReplicas: 1,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      },
    },
  ],
  ['v1', 'ConfigMap', {}, {}],
  ['coordination.k8s.io/v1', 'Lease', { spec: {} }, { spec: {} }],
];

t.test('every kind gets its defaults, once and for all', async (t) => {
  for (const [apiVersion, kind, given, expected] of CASES) {
    const { apiVersion: _1, kind: _2, metadata, ...rest } = defaulted(apiVersion, kind, given);
    t.strictSame({ metadata, ...rest }, { metadata: { name: 'x' }, ...expected }, kind);
  }
});
