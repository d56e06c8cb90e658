/** The scheduler as the profile sees it: real API server, real controllers, played nodes. */
import t from 'tap';
import { taintEvictionController } from '#controller/node-lifecycle/controller.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { startPlayedApi } from './played-api.ts';

const cluster = await startPlayedApi(
  [schedulerController, replicaSetController, taintEvictionController],
  ['n1', 'n2'],
);
t.teardown(() => cluster.close());

const pod = (name: string, spec: object = {}, requests: object = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { name } },
  spec: {
    containers: [{ name: 'main', image: 'busybox', resources: { requests, ...more } }],
    ...spec,
  },
});
const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
for (const [name, value] of [
  ['low', 1],
  ['medium', 100],
  ['high', 1_000],
] as const) {
  const made = await cluster.post(classes, {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
  });
  if (made.status !== 201) throw new Error(made.text);
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}
const scheduled = ({ status }: { status?: { conditions?: Condition[] } }) =>
  status?.conditions?.find(({ type }) => type === 'PodScheduled');
const refused = (found: { status?: { conditions?: Condition[] } }) =>
  scheduled(found)?.status === 'False';

t.test(
  'SchedulerPredicates validates resource limits of pods that are allowed to run',
  async (t) => {
    const base = await cluster.namespace('limits');
    for (const name of ['a', 'b'])
      await cluster.post(`${base}/pods`, pod(name, {}, { cpu: '1500m' }));
    for (const name of ['a', 'b']) {
      await cluster.until(`${base}/pods/${name}`, ({ status }) => status?.phase === 'Running');
    }
    await cluster.post(`${base}/pods`, pod('additional', {}, { cpu: '1' }));
    const waiting = await cluster.until(`${base}/pods/additional`, refused);
    t.match(scheduled(waiting), {
      reason: 'Unschedulable',
      message: /^0\/2 nodes are available: 2 Insufficient cpu\./,
    });
    const events = await cluster.until(`${base}/events`, ({ items }) =>
      items?.some(({ reason }: { reason: string }) => reason === 'FailedScheduling'),
    );
    t.match(
      events.items.find(({ reason }: { reason: string }) => reason === 'FailedScheduling'),
      { type: 'Warning', involvedObject: { name: 'additional' }, message: /2 Insufficient cpu/ },
    );
    await cluster.delete(`${base}/pods/a`);
    await cluster.until(`${base}/pods/additional`, ({ status }) => status?.phase === 'Running');
    await cluster.delete(`${base}/pods`);
    await cluster.until(`${base}/pods`, ({ items }) => items?.length === 0);
  },
);

t.test('SchedulerPredicates validates that NodeSelector is respected if matching', async (t) => {
  const base = await cluster.namespace('selector');
  await cluster.patch('/api/v1/nodes/n2', { metadata: { labels: { 'example.com/random': '42' } } });
  await cluster.post(`${base}/pods`, pod('with', { nodeSelector: { 'example.com/random': '42' } }));
  const placed = await cluster.until(`${base}/pods/with`, ({ spec }) => spec?.nodeName);
  t.equal(placed.spec.nodeName, 'n2');
});
t.test(
  'SchedulerPredicates validates that NodeSelector is respected if not matching',
  async (t) => {
    const base = await cluster.namespace('no-node');
    await cluster.post(`${base}/pods`, pod('restricted', { nodeSelector: { label: 'nonempty' } }));
    const waiting = await cluster.until(`${base}/pods/restricted`, refused);
    t.match(scheduled(waiting)?.message, /2 node\(s\) didn't match Pod's node affinity\/selector/);
  },
);

t.test(
  'SchedulerPredicates validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP',
  async (t) => {
    const base = await cluster.namespace('host-port');
    const on = (hostIP: string, protocol = 'TCP') => ({
      nodeSelector: { 'kubernetes.io/hostname': 'n1' },
      containers: [
        {
          name: 'c',
          image: 'busybox',
          ports: [{ containerPort: 8080, hostPort: 54_322, hostIP, protocol }],
        },
      ],
    });
    await cluster.post(`${base}/pods`, pod('pod4', on('0.0.0.0')));
    await cluster.until(`${base}/pods/pod4`, ({ spec }) => spec?.nodeName);
    await cluster.post(`${base}/pods`, pod('pod5', on('127.0.0.1')));
    const waiting = await cluster.until(`${base}/pods/pod5`, refused);
    t.match(
      scheduled(waiting)?.message,
      /1 node\(s\) didn't have free ports for the requested pod ports/,
    );
    await cluster.post(`${base}/pods`, pod('other', on('127.0.0.1', 'UDP')));
    await cluster.until(`${base}/pods/other`, ({ spec }) => spec?.nodeName);
  },
);

const resource = 'scheduling.k8s.io/foo';

t.test('SchedulerPreemption validates basic preemption works', async (t) => {
  const base = await cluster.namespace('preempt');
  for (const node of ['n1', 'n2']) {
    const amounts = { [resource]: '10' };
    const patched = await cluster.patch(`/api/v1/nodes/${node}/status`, {
      status: { capacity: amounts, allocatable: amounts },
    });
    t.equal(patched.status, 200, patched.text);
  }
  const asking = (amount: string) =>
    [{ [resource]: amount }, { limits: { [resource]: amount } }] as const;
  const victims: [string, string, string][] = [
    ['pod0', 'low', 'n1'],
    ['pod1', 'medium', 'n2'],
  ];
  for (const [name, priorityClassName, node] of victims) {
    const nodeSelector = { 'kubernetes.io/hostname': node };
    await cluster.post(
      `${base}/pods`,
      pod(name, { priorityClassName, nodeSelector }, ...asking('9')),
    );
    await cluster.until(`${base}/pods/${name}`, ({ status }) => status?.phase === 'Running');
  }
  await cluster.post(
    `${base}/pods`,
    pod('preemptor', { priorityClassName: 'high' }, ...asking('9')),
  );
  const placed = await cluster.until(`${base}/pods/preemptor`, ({ spec }) => spec?.nodeName);
  t.equal(placed.spec.nodeName, 'n1', 'where the less important one was');
  t.equal(placed.spec.priority, 1_000);
  await cluster.until(`${base}/pods/pod0`, (_, status) => status === 404);
  t.equal((await cluster.get(`${base}/pods/pod1`)).status, 200);
});

t.test(
  'SchedulerPreemption validates pod disruption condition is added to the preempted pod',
  async (t) => {
    const base = await cluster.namespace('condition');
    const finalizers = ['example.com/test-finalizer'];
    const victim = pod(
      'victim',
      { priorityClassName: 'low', nodeSelector: { 'kubernetes.io/hostname': 'n1' } },
      { cpu: '1500m' },
    );
    await cluster.post(`${base}/pods`, { ...victim, metadata: { ...victim.metadata, finalizers } });
    await cluster.until(`${base}/pods/victim`, ({ status }) => status?.phase === 'Running');
    const critical = {
      priorityClassName: 'high',
      nodeSelector: { 'kubernetes.io/hostname': 'n1' },
    };
    await cluster.post(`${base}/pods`, pod('preemptor', critical, { cpu: '1500m' }));
    const told = await cluster.until(
      `${base}/pods/victim`,
      ({ metadata }) => metadata?.deletionTimestamp,
    );
    t.match(
      told.status.conditions.find(({ type }: Condition) => type === 'DisruptionTarget'),
      { status: 'True', reason: 'PreemptionByScheduler' },
    );
    const waiting = await cluster.until(
      `${base}/pods/preemptor`,
      ({ status }) => status?.nominatedNodeName,
    );
    t.equal(waiting.status.nominatedNodeName, 'n1');
    await cluster.patch(`${base}/pods/victim`, { metadata: { finalizers: null } });
    await cluster.until(`${base}/pods/preemptor`, ({ spec }) => spec?.nodeName === 'n1');
    await cluster.delete(`${base}/pods`);
  },
);

t.test('PreemptionExecutionPath runs ReplicaSets to verify preemption running path', async () => {
  const base = await cluster.namespace('path');
  const set = (name: string, replicas: number, priorityClassName: string) => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { name } },
      template: {
        metadata: { labels: { name } },
        spec: {
          priorityClassName,
          terminationGracePeriodSeconds: 0,
          nodeSelector: { 'kubernetes.io/hostname': 'n2' },
          containers: [
            { name: 'main', image: 'busybox', resources: { requests: { cpu: '400m' } } },
          ],
        },
      },
    },
  });
  const sets = '/apis/apps/v1/namespaces/path/replicasets';
  const ready =
    (count: number) =>
    ({ status }: { status?: { readyReplicas?: number } }) =>
      (status?.readyReplicas ?? 0) === count;
  await cluster.post(sets, set('rs1', 5, 'low'));
  await cluster.until(`${sets}/rs1`, ready(5));
  await cluster.post(sets, set('rs2', 3, 'high'));
  await cluster.until(`${sets}/rs2`, ready(3));
  await cluster.until(`${sets}/rs1`, ready(2));
  await cluster.delete(`${sets}/rs1`);
  await cluster.delete(`${sets}/rs2`);
  await cluster.delete(`${base}/pods`);
});

t.test('NoExecuteTaintManager Single Pod removing taint cancels eviction', async (t) => {
  const base = await cluster.namespace('taints');
  const toleration = {
    key: 'evict-me',
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 3_600,
  };
  const spec = { nodeSelector: { 'kubernetes.io/hostname': 'n1' } };
  await cluster.post(`${base}/pods`, pod('patient', { ...spec, tolerations: [toleration] }));
  await cluster.post(`${base}/pods`, pod('brief', spec));
  for (const name of ['patient', 'brief']) {
    await cluster.until(`${base}/pods/${name}`, ({ status }) => status?.phase === 'Running');
  }
  const taints = [{ key: 'evict-me', value: 'yes', effect: 'NoExecute' }];
  await cluster.patch('/api/v1/nodes/n1', { spec: { taints } });
  await cluster.until(`${base}/pods/brief`, (_, status) => status === 404);
  await cluster.patch('/api/v1/nodes/n1', { spec: { taints: null } });
  t.equal((await cluster.get(`${base}/pods/patient`)).json.metadata.deletionTimestamp, undefined);
});
