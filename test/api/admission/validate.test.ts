import t from 'tap';
import { applyDefaults } from '#api/admission/defaults.ts';
import { validateCreate, validateUpdate } from '#api/admission/validate.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;

function make(
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject {
  const of = kindOf(apiVersion, kind);
  const metadata = { name: 'x', ...(of.namespaced ? { namespace: 'default' } : {}), ...meta };
  return applyDefaults(
    of,
    cloneJson({ apiVersion, kind, metadata, ...rest } as unknown as KubeObject),
  );
}

/** `field: message` of every cause. */
function complaints(
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta?: JsonObject,
): string[] {
  const causes = validateCreate(kindOf(apiVersion, kind), make(apiVersion, kind, rest, meta));
  return causes.map((cause) => `${cause.field}: ${cause.message}`);
}

const labels = { app: 'x' };
const containers = [{ name: 'c', image: 'i' }];
const template = { metadata: { labels }, spec: { containers } };
const workload = { selector: { matchLabels: labels }, template };
const jobTemplate = { metadata: { labels }, spec: { containers, restartPolicy: 'Never' } };
const pod = (container: JsonObject, spec: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
});

t.test('what Kubernetes takes is taken', async (t) => {
  const good: [string, string, JsonObject][] = [
    ['v1', 'Pod', { spec: { containers } }],
    [
      'v1',
      'Pod',
      pod(
        {
          ports: [{ name: 'web', containerPort: 80 }],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
          ],
          envFrom: [{ secretRef: { name: 's' } }],
          volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b' }],
          livenessProbe: { exec: { command: ['true'] } },
          resources: {
            requests: { cpu: '100m' },
            limits: { cpu: 1, memory: '1Gi', 'example.com/gpu': 1 },
          },
          securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false },
        },
        {
          initContainers: [
            {
              name: 'side',
              image: 'i',
              restartPolicy: 'Always',
              startupProbe: { tcpSocket: { port: 1 } },
            },
          ],
          volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }],
          tolerations: [
            { operator: 'Exists' },
            { key: 'a', effect: 'NoExecute', tolerationSeconds: 5 },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
        },
      ),
    ],
    ['apps/v1', 'Deployment', { spec: workload }],
    ['apps/v1', 'ReplicaSet', { spec: workload }],
    ['apps/v1', 'DaemonSet', { spec: workload }],
    ['apps/v1', 'StatefulSet', { spec: workload }],
    ['batch/v1', 'Job', { spec: { template: jobTemplate } }],
    [
      'batch/v1',
      'CronJob',
      {
        spec: {
          schedule: '*/5 * * * MON-FRI',
          timeZone: 'Europe/Berlin',
          jobTemplate: { spec: { template: jobTemplate } },
        },
      },
    ],
    ['v1', 'Service', { spec: { ports: [{ port: 80 }], selector: labels } }],
    ['v1', 'Service', { spec: { clusterIP: 'None' } }],
    ['v1', 'Service', { spec: { type: 'ExternalName', externalName: 'example.com.' } }],
    ['v1', 'ConfigMap', { data: { 'a.b-c_d': 'x' }, binaryData: { e: 'eA==' } }],
    ['v1', 'Secret', { stringData: { username: 'u' }, type: 'kubernetes.io/basic-auth' }],
    ['v1', 'Namespace', {}],
    ['v1', 'ServiceAccount', {}],
    [
      'v1',
      'PersistentVolumeClaim',
      { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ],
    [
      'v1',
      'PersistentVolume',
      {
        spec: {
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '1Gi' },
          hostPath: { path: '/d' },
        },
      },
    ],
    ['v1', 'Event', { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } }],
    [
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] },
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] } },
    ],
    ['policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%', selector: {} } }],
    ['coordination.k8s.io/v1', 'Lease', { spec: { leaseDurationSeconds: 15 } }],
    ['storage.k8s.io/v1', 'StorageClass', { provisioner: 'kubernetes.io/no-provisioner' }],
  ];
  for (const [apiVersion, kind, rest] of good) {
    t.strictSame(
      complaints(apiVersion, kind, rest),
      [],
      `${kind} ${JSON.stringify(rest).slice(0, 60)}`,
    );
  }
});

type Case = [apiVersion: string, kind: string, rest: JsonObject, complaint: string | RegExp];

const PODS: [JsonObject, string | RegExp][] = [
  [{ spec: {} }, 'spec.containers: Required value'],
  [{ spec: { containers: [{ image: 'i' }] } }, 'spec.containers[0].name: Required value'],
  [{ spec: { containers: [{ name: 'c' }] } }, 'spec.containers[0].image: Required value'],
  [
    { spec: { containers: [{ name: 'C', image: 'i' }] } },
    /^spec\.containers\[0\]\.name: Invalid value: "C": a lowercase RFC 1123 label/,
  ],
  [
    { spec: { containers: [...containers, ...containers] } },
    'spec.containers[1].name: Duplicate value: "c"',
  ],
  [
    { spec: { containers, initContainers: containers } },
    'spec.initContainers[0].name: Duplicate value: "c"',
  ],
  [
    pod({ image: ' i' }),
    'spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace',
  ],
  [
    pod({ imagePullPolicy: 'Sometimes' }),
    'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    pod({ ports: [{ containerPort: 0 }] }),
    'spec.containers[0].ports[0].containerPort: Required value',
  ],
  [
    pod({ ports: [{ containerPort: 70000 }] }),
    'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    pod({ ports: [{ containerPort: 80, protocol: 'QUIC' }] }),
    'spec.containers[0].ports[0].protocol: Unsupported value: "QUIC": supported values: "SCTP", "TCP", "UDP"',
  ],
  [pod({ env: [{ value: 'x' }] }), 'spec.containers[0].env[0].name: Required value'],
  [
    pod({ env: [{ name: 'a=b' }] }),
    /^spec\.containers\[0\]\.env\[0\]\.name: Invalid value: "a=b": a valid environment variable name/,
  ],
  [pod({ env: [{ name: 'A', valueFrom: {} }] }), /must specify one of: `fieldRef`/],
  [
    pod({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] }),
    /fieldPath: Unsupported value: "status.phase"/,
  ],
  [
    pod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    pod({ volumeMounts: [{ name: 'v' }] }, { volumes: [{ name: 'v' }] }),
    'spec.containers[0].volumeMounts[0].mountPath: Required value',
  ],
  [
    pod({}, { volumes: [{ name: 'v' }, { name: 'v' }] }),
    'spec.volumes[1].name: Duplicate value: "v"',
  ],
  [
    pod({}, { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    pod({}, { volumes: [{ name: 'v', secret: {} }] }),
    'spec.volumes[0].secret.secretName: Required value',
  ],
  [
    pod({}, { volumes: [{ name: 'v', hostPath: { path: '/', type: 'Dir' } }] }),
    /spec\.volumes\[0\]\.hostPath\.type: Unsupported value: "Dir"/,
  ],
  [
    pod({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    pod({ resources: { limits: { memory: '-1' } } }),
    'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    pod({ resources: { limits: { disk: '1' } } }),
    'spec.containers[0].resources.limits[disk]: Invalid value: "disk": must be a standard resource for containers',
  ],
  [
    pod({ resources: { limits: { 'example.com/gpu': '500m' } } }),
    'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
  ],
  [
    pod({ livenessProbe: {} }),
    'spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    pod({ livenessProbe: { tcpSocket: { port: 1 }, exec: { command: ['x'] } } }),
    'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
  ],
  [
    pod({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
    'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
  ],
  [
    pod({}, { restartPolicy: 'Maybe' }),
    'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
  ],
  [
    pod({}, { dnsPolicy: 'None' }),
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ],
  [
    pod({}, { terminationGracePeriodSeconds: -1 }),
    'spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    pod({}, { activeDeadlineSeconds: 0 }),
    'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
  ],
  [
    pod({}, { tolerations: [{ key: 'a', operator: 'Has' }] }),
    'spec.tolerations[0].operator: Unsupported value: "Has": supported values: "Equal", "Exists"',
  ],
  [
    pod({}, { nodeSelector: { 'a b': 'c' } }),
    /^spec\.nodeSelector: Invalid value: "a b": name part must consist of/,
  ],
  [
    pod(
      {},
      { initContainers: [{ name: 'i', image: 'i', livenessProbe: { exec: { command: ['x'] } } }] },
    ),
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [
    pod({
      ports: [
        { containerPort: 1, hostPort: 9 },
        { containerPort: 2, hostPort: 9 },
      ],
    }),
    'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
  ],
];

const OTHERS: Case[] = [
  ['apps/v1', 'Deployment', { spec: { template } }, 'spec.selector: Required value'],
  [
    'apps/v1',
    'Deployment',
    { spec: { selector: {}, template } },
    'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment',
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { selector: { matchLabels: { a: 'b' } }, template } },
    'spec.template.metadata.labels: Invalid value: map[string]string{"app":"x"}: `selector` does not match template `labels`',
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { ...workload, replicas: -1 } },
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'apps/v1',
    'Deployment',
    {
      spec: {
        ...workload,
        template: { metadata: { labels }, spec: { containers, restartPolicy: 'Never' } },
      },
    },
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { ...workload, strategy: { type: 'Recreate', rollingUpdate: {} } } },
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 'many' } } } },
    /maxSurge: Invalid value: "many": a valid percent string/,
  ],
  [
    'batch/v1',
    'Job',
    { spec: { template } },
    'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"',
  ],
  [
    'batch/v1',
    'CronJob',
    { spec: { schedule: '* *', jobTemplate: { spec: { template: jobTemplate } } } },
    'spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: * *',
  ],
  ['v1', 'Service', { spec: {} }, 'spec.ports: Required value'],
  [
    'v1',
    'Service',
    { spec: { ports: [{ port: 80 }, { name: 'b', port: 81 }] } },
    'spec.ports[0].name: Required value',
  ],
  [
    'v1',
    'Service',
    { spec: { ports: [{ port: 0 }] } },
    'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
  ],
  [
    'v1',
    'Service',
    { spec: { type: 'Cluster', ports: [{ port: 80 }] } },
    'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    'v1',
    'Service',
    { spec: { ports: [{ port: 80, nodePort: 30000 }] } },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    'v1',
    'ConfigMap',
    { data: { 'a b': 'x' } },
    /^data\[a b\]: Invalid value: "a b": a valid config key/,
  ],
  [
    'v1',
    'ConfigMap',
    { data: { a: 'x' }, binaryData: { a: 'eA==' } },
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
  ],
  [
    'v1',
    'ConfigMap',
    { data: { a: 'x'.repeat(2 ** 20 + 1) } },
    ': Too long: must have at most 1048576 bytes',
  ],
  [
    'v1',
    'Secret',
    { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
    'data[tls.key]: Required value',
  ],
  [
    'v1',
    'Secret',
    { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{' } },
    'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid json',
  ],
  [
    'v1',
    'Node',
    { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
    /spec\.taints\[0\]\.effect: Unsupported value: "Never"/,
  ],
  [
    'v1',
    'PersistentVolumeClaim',
    { spec: { resources: {} } },
    'spec.accessModes: Required value: at least 1 access mode is required',
  ],
  [
    'v1',
    'Event',
    { involvedObject: { namespace: 'other' } },
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ],
  [
    'coordination.k8s.io/v1',
    'Lease',
    { spec: { leaseDurationSeconds: 0 } },
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'Role',
    { rules: [{ apiGroups: [''], resources: ['pods'] }] },
    'rules[0].verbs: Required value: verbs must contain at least one value',
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    { roleRef: { kind: 'Thing', name: 'r' } },
    'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
  ],
  [
    'networking.k8s.io/v1',
    'Ingress',
    { spec: {} },
    /^spec: Invalid value: \[\]: either `defaultBackend` or `rules` must be specified/,
  ],
  [
    'policy/v1',
    'PodDisruptionBudget',
    { spec: { minAvailable: 1, maxUnavailable: 1 } },
    /minAvailable and maxUnavailable cannot be both set/,
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' } } },
    'spec.maxReplicas: Invalid value: 0: must be greater than 0',
  ],
  [
    'scheduling.k8s.io/v1',
    'PriorityClass',
    { value: 2_000_000_000 },
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  ],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { spec: { group: 'a.b', names: { plural: 'cs', kind: 'C' }, scope: 'Cluster', versions: [] } },
    /must have exactly one version marked as storage version|spec\.versions/,
  ],
];

t.test('a mistake is refused in Kubernetes words, and nothing else is', async (t) => {
  const all: Case[] = [
    ...PODS.map(([rest, complaint]): Case => ['v1', 'Pod', rest, complaint]),
    ...OTHERS,
  ];
  for (const [apiVersion, kind, rest, complaint] of all) {
    const found = complaints(apiVersion, kind, rest);
    const hit = found.some((one) =>
      typeof complaint === 'string' ? one === complaint : complaint.test(one),
    );
    t.ok(hit, `${kind}: ${complaint}`, { found });
  }
});

t.test('metadata is judged alike for all kinds', async (t) => {
  const cases: [string, string, JsonObject, string | RegExp][] = [
    [
      'v1',
      'ConfigMap',
      { name: '' },
      'metadata.name: Required value: name or generateName is required',
    ],
    [
      'v1',
      'ConfigMap',
      { name: 'A' },
      /^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain/,
    ],
    [
      'v1',
      'Namespace',
      { name: 'a.b' },
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ],
    [
      'v1',
      'Node',
      { namespace: 'default' },
      'metadata.namespace: Forbidden: not allowed on this type',
    ],
    [
      'v1',
      'ConfigMap',
      { labels: { 'a b': 'c' } },
      /^metadata\.labels: Invalid value: "a b": name part must consist/,
    ],
    [
      'v1',
      'ConfigMap',
      { labels: { a: 'b c' } },
      /^metadata\.labels: Invalid value: "b c": a valid label must be/,
    ],
    [
      'v1',
      'ConfigMap',
      { annotations: { a: 'x'.repeat(262_144) } },
      'metadata.annotations: Too long: must have at most 262144 bytes',
    ],
    [
      'v1',
      'ConfigMap',
      { ownerReferences: [{ kind: 'A', name: 'a', uid: 'u' }] },
      'metadata.ownerReferences[0].apiVersion: Invalid value: "": must not be empty',
    ],
    ['v1', 'ConfigMap', { finalizers: ['orphan', 'foregroundDeletion'] }, /cannot be both set/],
  ];
  for (const [apiVersion, kind, meta, complaint] of cases) {
    const found = complaints(apiVersion, kind, {}, meta);
    const hit = found.some((one) =>
      typeof complaint === 'string' ? one === complaint : complaint.test(one),
    );
    t.ok(hit, String(complaint), { found });
  }
  t.strictSame(
    complaints('rbac.authorization.k8s.io/v1', 'ClusterRole', {}, { name: 'system:Node' }),
    [],
  );
});

function changes(
  apiVersion: string,
  kind: string,
  before: JsonObject,
  after: JsonObject,
): string[] {
  const [old, object] = [make(apiVersion, kind, before), make(apiVersion, kind, after)];
  const causes = validateUpdate(kindOf(apiVersion, kind), object, old);
  return causes.map((cause) => `${cause.field}: ${cause.message}`);
}

t.test('an update may change what Kubernetes lets it change', async (t) => {
  const other = { metadata: { labels: { app: 'y' } }, spec: { containers } };
  const cases: [string, string, JsonObject, JsonObject, (string | RegExp)[]][] = [
    ['v1', 'Pod', pod({}), pod({ image: 'other:1', imagePullPolicy: 'Always' }), []],
    [
      'v1',
      'Pod',
      pod({}),
      pod({}, { activeDeadlineSeconds: 5, tolerations: [{ operator: 'Exists' }] }),
      [],
    ],
    [
      'v1',
      'Pod',
      pod({}),
      pod({ command: ['x'] }),
      [
        /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/,
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}),
      { spec: { containers: [...containers, { name: 'd', image: 'i' }] } },
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    [
      'v1',
      'Pod',
      pod({}, { activeDeadlineSeconds: 5 }),
      pod({}, { activeDeadlineSeconds: 9 }),
      [
        'spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value',
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}, { tolerations: [{ operator: 'Exists' }] }),
      pod({}),
      [
        'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}, { schedulingGates: [{ name: 'g' }] }),
      pod({}, { nodeSelector: { a: 'b' } }),
      [],
    ],
    ['apps/v1', 'Deployment', { spec: workload }, { spec: { ...workload, replicas: 5 } }, []],
    [
      'apps/v1',
      'Deployment',
      { spec: workload },
      { spec: { selector: { matchLabels: { app: 'y' } }, template: other } },
      [
        /^spec\.selector: Invalid value: v1\.LabelSelector\{MatchLabels:map\[string\]string\{"app":"y"\}, .*field is immutable$/,
      ],
    ],
    [
      'apps/v1',
      'StatefulSet',
      { spec: workload },
      { spec: { ...workload, serviceName: 's' } },
      [/^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/],
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: jobTemplate } },
      { spec: { template: jobTemplate, parallelism: 3, suspend: true, completions: 1 } },
      [],
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: jobTemplate, completions: 1 } },
      { spec: { template: jobTemplate, completions: 2 } },
      ['spec.completions: Invalid value: 2: field is immutable'],
    ],
    [
      'v1',
      'ConfigMap',
      { immutable: true, data: { a: '1' } },
      { immutable: true, data: { a: '2' } },
      ['data: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'v1',
      'Secret',
      { type: 'a/b' },
      { type: 'c/d' },
      ['type: Invalid value: "c/d": field is immutable'],
    ],
    [
      'v1',
      'Service',
      { spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] } },
      { spec: { clusterIP: '10.0.0.2', ports: [{ port: 80 }] } },
      [/^spec\.clusterIPs\[0\]: .*may not change once set/],
    ],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'a' } },
      { roleRef: { kind: 'Role', name: 'b' } },
      [/cannot change roleRef/],
    ],
    [
      'storage.k8s.io/v1',
      'StorageClass',
      { provisioner: 'a' },
      { provisioner: 'b' },
      ['provisioner: Forbidden: updates to provisioner are forbidden.'],
    ],
  ];
  for (const [apiVersion, kind, before, after, expected] of cases) {
    const found = changes(apiVersion, kind, before, after);
    t.equal(found.length, expected.length, `${kind}: ${JSON.stringify(found)}`);
    for (const [i, wanted] of expected.entries()) {
      if (typeof wanted === 'string') t.equal(found[i], wanted);
      else t.match(found[i], wanted);
    }
  }
});

t.test('once an object is being deleted, finalizers may only go', async (t) => {
  const kind = kindOf('v1', 'ConfigMap');
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const old = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b', 'c/d'] });
  const fewer = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b'] });
  const more = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b', 'e/f'] });
  t.strictSame(validateUpdate(kind, fewer, old), []);
  t.match(validateUpdate(kind, more, old), [
    {
      field: 'metadata.finalizers',
      reason: 'FieldValueForbidden',
      message: /found new finalizers \[\]string\{"e\/f"\}/,
    },
  ]);
});
