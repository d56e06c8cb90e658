import t from 'tap';
import { type JsonObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Column, Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { BUILT_IN } from '#api/table/built-in.ts';
import { partialMetadata, tableOf } from '#api/table/table.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;
const now = new Date('2026-01-01T01:00:00Z');
const creationTimestamp = '2026-01-01T00:55:00Z';

const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'x', creationTimestamp, ...meta },
    ...rest,
  }) as unknown as KubeObject;

/** The row as kubectl shows it: column names to cells. */
function row(apiVersion: string, kind: string, rest: JsonObject, meta?: JsonObject): JsonObject {
  const of = kindOf(apiVersion, kind);
  const { rows, columnDefinitions } = tableOf(of, [object(apiVersion, kind, rest, meta)], { now });
  const names = (columnDefinitions ?? []).map((column) => String(column['name']));
  return Object.fromEntries(names.map((name, i) => [name, rows[0]?.cells[i]]));
}

const labels = { app: 'x' };
const template = {
  metadata: { labels },
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'i:2' },
    ],
  },
};
const wide = { Containers: 'a,b', Images: 'i:1,i:2' };
const selector = { matchLabels: labels };

const CASES: [apiVersion: string, kind: string, rest: JsonObject, cells: JsonObject][] = [
  [
    'apps/v1',
    'Deployment',
    {
      spec: { replicas: 3, selector, template },
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
    },
    {
      Name: 'x',
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 2,
      Age: '5m',
      ...wide,
      Selector: 'app=x',
    },
  ],
  [
    'apps/v1',
    'ReplicaSet',
    { spec: { replicas: 3, selector, template }, status: { replicas: 3, readyReplicas: 1 } },
    { Name: 'x', Desired: 3, Current: 3, Ready: 1, Age: '5m', ...wide, Selector: 'app=x' },
  ],
  [
    'apps/v1',
    'StatefulSet',
    { spec: { replicas: 2, template } },
    { Name: 'x', Ready: '0/2', Age: '5m', ...wide },
  ],
  [
    'apps/v1',
    'DaemonSet',
    {
      spec: { selector, template: { spec: { ...template.spec, nodeSelector: { os: 'linux' } } } },
      status: {
        desiredNumberScheduled: 2,
        currentNumberScheduled: 2,
        numberReady: 1,
        updatedNumberScheduled: 2,
        numberAvailable: 1,
      },
    },
    {
      Name: 'x',
      Desired: 2,
      Current: 2,
      Ready: 1,
      'Up-to-date': 2,
      Available: 1,
      'Node Selector': 'os=linux',
      Age: '5m',
      ...wide,
      Selector: 'app=x',
    },
  ],
  [
    'batch/v1',
    'Job',
    {
      spec: { completions: 3, selector, template },
      status: { succeeded: 1, startTime: '2026-01-01T00:58:00Z' },
    },
    {
      Name: 'x',
      Status: 'Running',
      Completions: '1/3',
      Duration: '2m',
      Age: '5m',
      ...wide,
      Selector: 'app=x',
    },
  ],
  [
    'batch/v1',
    'Job',
    {
      spec: { parallelism: 4, template },
      status: {
        succeeded: 1,
        startTime: '2026-01-01T00:58:00Z',
        completionTime: '2026-01-01T00:58:30Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    {
      Name: 'x',
      Status: 'Complete',
      Completions: '1/1 of 4',
      Duration: '30s',
      Age: '5m',
      ...wide,
      Selector: '<none>',
    },
  ],
  [
    'batch/v1',
    'CronJob',
    {
      spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
      status: { active: [{}] },
    },
    {
      Name: 'x',
      Schedule: '* * * * *',
      Timezone: '<none>',
      Suspend: 'False',
      Active: 1,
      'Last Schedule': '<none>',
      Age: '5m',
      ...wide,
      Selector: '<none>',
    },
  ],
  [
    'v1',
    'Service',
    {
      spec: {
        type: 'NodePort',
        clusterIP: '10.0.0.1',
        selector: labels,
        ports: [
          { port: 80, nodePort: 30080, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
      },
    },
    {
      Name: 'x',
      Type: 'NodePort',
      'Cluster-IP': '10.0.0.1',
      'External-IP': '<none>',
      'Port(s)': '80:30080/TCP,53/UDP',
      Age: '5m',
      Selector: 'app=x',
    },
  ],
  [
    'v1',
    'Service',
    { spec: { type: 'LoadBalancer', clusterIPs: ['10.0.0.1'] } },
    {
      Name: 'x',
      Type: 'LoadBalancer',
      'Cluster-IP': '10.0.0.1',
      'External-IP': '<pending>',
      'Port(s)': '<none>',
      Age: '5m',
      Selector: '<none>',
    },
  ],
  [
    'v1',
    'Node',
    {
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.1.1.1' }],
        nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian' },
      },
    },
    {
      Name: 'x',
      Status: 'Ready,SchedulingDisabled',
      Roles: '<none>',
      Age: '5m',
      Version: 'v1.36.0',
      'Internal-IP': '10.1.1.1',
      'External-IP': '<none>',
      'OS-Image': 'Debian',
      'Kernel-Version': '<unknown>',
      'Container-Runtime': '<unknown>',
    },
  ],
  ['v1', 'Namespace', { status: { phase: 'Active' } }, { Name: 'x', Status: 'Active', Age: '5m' }],
  [
    'v1',
    'ConfigMap',
    { data: { a: '1' }, binaryData: { b: '' } },
    { Name: 'x', Data: 2, Age: '5m' },
  ],
  [
    'v1',
    'Secret',
    { type: 'Opaque', data: { a: '' } },
    { Name: 'x', Type: 'Opaque', Data: 1, Age: '5m' },
  ],
  ['v1', 'ServiceAccount', {}, { Name: 'x', Age: '5m' }],
  [
    'v1',
    'Event',
    {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' },
      reason: 'Started',
      message: ' hello \n',
      type: 'Normal',
      source: { component: 'agent', host: 'n' },
      firstTimestamp: '2026-01-01T00:50:00Z',
      lastTimestamp: '2026-01-01T00:59:30Z',
      count: 4,
    },
    {
      'Last Seen': '30s',
      Type: 'Normal',
      Reason: 'Started',
      Object: 'pod/p',
      Subobject: 'spec.containers{c}',
      Source: 'agent, n',
      Message: 'hello',
      'First Seen': '10m',
      Count: 4,
      Name: 'x',
    },
  ],
  [
    'v1',
    'Endpoints',
    {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
          ports: [{ port: 80 }, { port: 443 }],
        },
      ],
    },
    { Name: 'x', Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...', Age: '5m' },
  ],
  [
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] },
    { Name: 'x', AddressType: 'IPv4', Ports: '80', Endpoints: '10.0.0.1', Age: '5m' },
  ],
  [
    'networking.k8s.io/v1',
    'Ingress',
    {
      spec: { rules: [{ host: 'a.b' }], tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    },
    { Name: 'x', Class: '<none>', Hosts: 'a.b', Address: '1.2.3.4', Ports: '80, 443', Age: '5m' },
  ],
  [
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { spec: { podSelector: selector } },
    { Name: 'x', 'Pod-Selector': 'app=x', Age: '5m' },
  ],
  [
    'v1',
    'PersistentVolumeClaim',
    {
      spec: { volumeName: 'v', storageClassName: 's', volumeMode: 'Filesystem' },
      status: {
        phase: 'Bound',
        accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
        capacity: { storage: '1Gi' },
      },
    },
    {
      Name: 'x',
      Status: 'Bound',
      Volume: 'v',
      Capacity: '1Gi',
      'Access Modes': 'RWO,RWX',
      StorageClass: 's',
      VolumeAttributesClass: '<unset>',
      Age: '5m',
      VolumeMode: 'Filesystem',
    },
  ],
  [
    'coordination.k8s.io/v1',
    'Lease',
    { spec: { holderIdentity: 'me' } },
    { Name: 'x', Holder: 'me', Age: '5m' },
  ],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {},
    { Name: 'x', 'Created At': creationTimestamp },
  ],
  ['rbac.authorization.k8s.io/v1', 'Role', {}, { Name: 'x', 'Created At': creationTimestamp }],
  [
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', namespace: 'n', name: 's' },
      ],
    },
    { Name: 'x', Role: 'Role/r', Age: '5m', Users: 'u', Groups: '', ServiceAccounts: 'n/s' },
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } },
        ],
      },
      status: { currentReplicas: 2 },
    },
    {
      Name: 'x',
      Reference: 'Deployment/d',
      Targets: 'cpu: <unknown>/80%',
      MinPods: '1',
      MaxPods: 3,
      Replicas: 2,
      Age: '5m',
    },
  ],
  [
    'policy/v1',
    'PodDisruptionBudget',
    { spec: { minAvailable: '50%' } },
    {
      Name: 'x',
      'Min Available': '50%',
      'Max Unavailable': 'N/A',
      'Allowed Disruptions': 0,
      Age: '5m',
    },
  ],
  [
    'scheduling.k8s.io/v1',
    'PriorityClass',
    { value: 5, preemptionPolicy: 'Never' },
    { Name: 'x', Value: 5, 'Global-Default': false, Age: '5m', PreemptionPolicy: 'Never' },
  ],
  [
    'storage.k8s.io/v1',
    'StorageClass',
    { provisioner: 'p', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
    {
      Name: 'x',
      Provisioner: 'p',
      ReclaimPolicy: 'Delete',
      VolumeBindingMode: 'Immediate',
      AllowVolumeExpansion: false,
      Age: '5m',
    },
  ],
  [
    'v1',
    'ResourceQuota',
    { status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1' } } },
    { Name: 'x', Request: 'pods: 1/4', Limit: 'limits.cpu: 0/2', Age: '5m' },
  ],
];

t.test('each kind has the row kubectl shows', async (t) => {
  for (const [apiVersion, kind, rest, cells] of CASES)
    t.strictSame(row(apiVersion, kind, rest), cells, kind);
});

t.test('every column of every built-in kind has a cell, even of an empty object', async (t) => {
  for (const kind of kinds.all()) {
    if (kind.virtual) continue;
    const { rows } = tableOf(kind, [object('', kind.kind, {})], { now });
    const blank = kind.columns.filter(
      (_, i) => rows[0]?.cells[i] === undefined || rows[0]?.cells[i] === null,
    );
    t.strictSame(
      blank.map(({ name }) => name),
      [],
      `${kind.group}/${kind.kind}`,
    );
  }
  const known = new Set(kinds.all().map((kind) => `${kind.group}/${kind.kind}`));
  t.strictSame(
    Object.keys(BUILT_IN).filter((name) => !known.has(name)),
    [],
  );
});

const state = (more: JsonObject): JsonObject => ({
  name: 'c',
  ready: false,
  restartCount: 0,
  ...more,
});
const containers = [{ name: 'c' }];
const running = state({ ready: true, state: { running: {} } });
const waiting = (reason: string): JsonObject => state({ state: { waiting: { reason } } });
const ended = (terminated: JsonObject): JsonObject => state({ state: { terminated } });
const init = (status: JsonObject, more: JsonObject = {}): JsonObject => ({
  spec: { containers, initContainers: [{ name: 'i', ...more }, { name: 'j' }] },
  status: { phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 0, ...status }] },
});
const phase = (name: string, statuses: JsonObject[] = [], more: JsonObject = {}): JsonObject => ({
  spec: { containers },
  status: { phase: name, containerStatuses: statuses, ...more },
});

t.test("a pod's STATUS is the most telling word of its containers", async (t) => {
  const cases: [JsonObject, JsonObject, string, string][] = [
    [phase('Pending'), {}, 'Pending', '0/1'],
    [phase('Pending', [waiting('ContainerCreating')]), {}, 'ContainerCreating', '0/1'],
    [phase('Running', [running]), {}, 'Running', '1/1'],
    [phase('Running', [waiting('CrashLoopBackOff')]), {}, 'CrashLoopBackOff', '0/1'],
    [phase('Pending', [waiting('ErrImagePull')]), {}, 'ErrImagePull', '0/1'],
    [phase('Succeeded', [ended({ exitCode: 0, reason: 'Completed' })]), {}, 'Completed', '0/1'],
    [phase('Failed', [ended({ exitCode: 1, reason: 'Error' })]), {}, 'Error', '0/1'],
    [phase('Failed', [ended({ exitCode: 137, reason: 'OOMKilled' })]), {}, 'OOMKilled', '0/1'],
    [phase('Failed', [ended({ exitCode: 3 })]), {}, 'ExitCode:3', '0/1'],
    [phase('Failed', [ended({ exitCode: 137, signal: 9 })]), {}, 'Signal:9', '0/1'],
    [phase('Failed', [], { reason: 'Evicted' }), {}, 'Evicted', '0/1'],
    [phase('Running', [running]), { deletionTimestamp: 't' }, 'Terminating', '1/1'],
    [
      phase('Succeeded', [ended({ exitCode: 0, reason: 'Completed' })]),
      { deletionTimestamp: 't' },
      'Completed',
      '0/1',
    ],
    [
      phase('Running', [running], { reason: 'NodeLost' }),
      { deletionTimestamp: 't' },
      'Unknown',
      '1/1',
    ],
    [
      phase('Pending', [], { conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] }),
      {},
      'SchedulingGated',
      '0/1',
    ],
    [
      phase('Running', [ended({ exitCode: 0, reason: 'Completed' }), running]),
      {},
      'NotReady',
      '1/1',
    ],
    [
      phase('Running', [ended({ exitCode: 0, reason: 'Completed' }), running], {
        conditions: [{ type: 'Ready', status: 'True' }],
      }),
      {},
      'Running',
      '1/1',
    ],
    [init({ state: { running: {} } }), {}, 'Init:0/2', '0/1'],
    [init({ state: { waiting: { reason: 'PodInitializing' } } }), {}, 'Init:0/2', '0/1'],
    [
      init({ state: { waiting: { reason: 'CrashLoopBackOff' } } }),
      {},
      'Init:CrashLoopBackOff',
      '0/1',
    ],
    [init({ state: { terminated: { exitCode: 1, reason: 'Error' } } }), {}, 'Init:Error', '0/1'],
    [init({ state: { terminated: { exitCode: 2 } } }), {}, 'Init:ExitCode:2', '0/1'],
    [init({ state: { terminated: { exitCode: 0 } } }), {}, 'Pending', '0/1'],
    [
      init({ started: true, ready: true, state: { running: {} } }, { restartPolicy: 'Always' }),
      {},
      'Pending',
      '1/2',
    ],
    [
      init({ started: false, state: { running: {} } }, { restartPolicy: 'Always' }),
      {},
      'Init:0/2',
      '0/2',
    ],
  ];
  for (const [rest, meta, status, ready] of cases) {
    const cells = row('v1', 'Pod', rest, meta);
    t.equal(cells['Status'], status);
    t.equal(cells['Ready'], ready, `${status} ready`);
  }
});

t.test("a pod's restarts tell when the last one was", async (t) => {
  const last = (finishedAt: string): JsonObject => ({ lastState: { terminated: { finishedAt } } });
  const twice = { ...running, restartCount: 2, ...last('2026-01-01T00:55:00Z') };
  const once = { ...running, restartCount: 1, ...last('2026-01-01T00:58:30Z') };
  t.equal(row('v1', 'Pod', phase('Running', [twice, once]))['Restarts'], '3 (90s ago)');
  t.equal(row('v1', 'Pod', phase('Running', [running]))['Restarts'], '0');
});

t.test('the wide row of a pod has its place', async (t) => {
  const pod = {
    spec: {
      containers,
      nodeName: 'n',
      readinessGates: [{ conditionType: 'a/b' }, { conditionType: 'c/d' }],
    },
    status: { podIPs: [{ ip: '10.0.0.9' }], conditions: [{ type: 'a/b', status: 'True' }] },
  };
  t.match(row('v1', 'Pod', pod), {
    IP: '10.0.0.9',
    Node: 'n',
    'Nominated Node': '<none>',
    'Readiness Gates': '1/2',
  });
});

t.test('a custom kind shows what its columns point to', async (t) => {
  const column = (name: string, type: string, jsonPath: string): Column => ({
    name,
    type,
    jsonPath,
    format: '',
    priority: 0,
  });
  const columns: Column[] = [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    column('Replicas', 'integer', '.spec.replicas'),
    column('Ready', 'string', '.status.conditions[?(@.type=="Ready")].status'),
    column('Started', 'date', '.status.startedAt'),
    column('On', 'boolean', '.spec.on'),
    column('Ports', 'string', '.spec.ports[*]'),
    column('Labels', 'string', '.metadata.labels'),
    column('Absent', 'string', '.spec.absent'),
    column('Wrong', 'integer', '.spec.on'),
    column('Age', 'date', '.metadata.creationTimestamp'),
  ];
  const kind = {
    ...kindOf('v1', 'Pod'),
    group: 'a.b',
    kind: 'Widget',
    columns,
    custom: { uid: 'u' },
  } as Kind;
  const widget = object('a.b/v1', 'Widget', {
    metadata: { name: 'w', creationTimestamp, labels: { a: 'b' } },
    spec: { replicas: 3, on: true, ports: [80, 81] },
    status: { startedAt: '2026-01-01T00:59:00Z', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const { rows } = tableOf(kind, [widget], { now });
  t.strictSame(rows[0]?.cells, [
    'w',
    3,
    'True',
    '60s',
    true,
    '80,81',
    '{"a":"b"}',
    null,
    null,
    '5m',
  ]);
});

t.test('a table carries versions, and of each object as much as was asked for', async (t) => {
  const kind = kindOf('v1', 'ConfigMap');
  const one = object('v1', 'ConfigMap', { data: { a: '1' } });
  const table = tableOf(kind, [one], {
    now,
    resourceVersion: '7',
    continue: 'c',
    remainingItemCount: 3,
  });
  t.strictSame(table.metadata, { resourceVersion: '7', continue: 'c', remainingItemCount: 3 });
  t.equal(table.apiVersion, 'meta.k8s.io/v1');
  t.strictSame(table.rows[0]?.object, partialMetadata(one));
  t.strictSame(objectOr(table.rows[0]?.object)['kind'], 'PartialObjectMetadata');
  const whole = tableOf(kind, [one], { now, includeObject: 'Object' });
  t.equal(whole.rows[0]?.object, one);
  t.notOk('object' in (tableOf(kind, [one], { now, includeObject: 'None' }).rows[0] ?? {}));
  t.equal(tableOf(kind, [one], { now, withoutColumns: true }).columnDefinitions, null);
});
