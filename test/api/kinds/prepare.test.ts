import t from 'tap';
import {
  prepareCreate,
  prepareFinalize,
  prepareStatusUpdate,
  prepareUpdate,
} from '#api/kinds/prepare.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;
const now = new Date('2026-01-02T03:04:05.678Z');
const creation = { uid: 'u-1', now, name: 'x' };

const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'x', namespace: 'default', ...meta },
    ...rest,
  }) as unknown as KubeObject;
const created = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta?: JsonObject,
): KubeObject =>
  prepareCreate(kindOf(apiVersion, kind), object(apiVersion, kind, rest, meta), creation);

const containers = [{ name: 'c', image: 'i:1' }];

t.test('the server, not the client, says who an object is', async (t) => {
  const foreign = {
    uid: 'mine',
    creationTimestamp: '1999-01-01T00:00:00Z',
    resourceVersion: '5',
    generation: 7,
    deletionTimestamp: '1999-01-01T00:00:00Z',
    deletionGracePeriodSeconds: 3,
    selfLink: '/x',
    labels: { a: 'b' },
    finalizers: ['a/b'],
  };
  const given = object('v1', 'Pod', { spec: { containers } }, foreign);
  const before = cloneJson(given);
  const pod = prepareCreate(kindOf('v1', 'Pod'), given, creation);
  t.strictSame(given, before);
  t.strictSame(pod.metadata, {
    name: 'x',
    namespace: 'default',
    uid: 'u-1',
    creationTimestamp: '2026-01-02T03:04:05Z',
    labels: { a: 'b' },
    finalizers: ['a/b'],
    generation: 1,
  });
  t.notOk('generation' in created('v1', 'ConfigMap', {}).metadata);
});

t.test("status is not the creator's, except a node's", async (t) => {
  const status = { phase: 'Running', replicas: 3, conditions: [{ type: 'Ready', status: 'True' }] };
  t.strictSame(created('apps/v1', 'Deployment', { status })['status'], {});
  t.strictSame(created('v1', 'Pod', { spec: { containers }, status })['status'], {
    phase: 'Pending',
    qosClass: 'BestEffort',
  });
  t.strictSame(created('v1', 'Node', { status })['status'], status);
  t.strictSame(created('v1', 'Namespace', { status })['status'], { phase: 'Active' });
  t.strictSame(created('v1', 'Namespace', {})['spec'], { finalizers: ['kubernetes'] });
  t.strictSame(created('v1', 'Service', { status })['status'], { loadBalancer: {} });
  const gated = created('v1', 'Pod', { spec: { containers, schedulingGates: [{ name: 'g' }] } });
  t.match(gated['status'], { conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] });
});

t.test("a pod's class of service follows its requests and limits", async (t) => {
  const cases: [JsonObject[], string][] = [
    [[{}], 'BestEffort'],
    [[{ requests: { cpu: '0' } }], 'BestEffort'],
    [[{ requests: { cpu: '1' } }], 'Burstable'],
    [[{ limits: { cpu: '1' } }], 'Burstable'],
    [[{ limits: { cpu: '1', memory: '1Gi' } }], 'Guaranteed'],
    [
      [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }],
      'Guaranteed',
    ],
    [[{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }], 'Burstable'],
    [[{ limits: { cpu: '1', memory: '1Gi' } }, {}], 'Burstable'],
  ];
  for (const [resources, qosClass] of cases) {
    const list = resources.map((one, i) => ({ name: `c${i}`, image: 'i:1', resources: one }));
    const pod = created('v1', 'Pod', { spec: { containers: list } });
    t.match(pod['status'], { qosClass }, JSON.stringify(resources));
  }
});

t.test('a job chooses its pods by its own uid', async (t) => {
  const template = {
    metadata: { labels: { app: 'x' } },
    spec: { containers, restartPolicy: 'Never' },
  };
  const job = created('batch/v1', 'Job', { spec: { template } });
  t.match(job['spec'], {
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } },
    template: {
      metadata: {
        labels: {
          app: 'x',
          'controller-uid': 'u-1',
          'job-name': 'x',
          'batch.kubernetes.io/controller-uid': 'u-1',
          'batch.kubernetes.io/job-name': 'x',
        },
      },
    },
  });
  t.strictSame(job.metadata.labels, { app: 'x' });
  const manual = created('batch/v1', 'Job', {
    spec: { manualSelector: true, selector: { matchLabels: {} }, template },
  });
  t.strictSame((manual['spec'] as JsonObject)['selector'], { matchLabels: {} });
});

const deployment = (rest: JsonObject, meta?: JsonObject): KubeObject =>
  object('apps/v1', 'Deployment', rest, meta);
const kind = kindOf('apps/v1', 'Deployment');
const old = deployment(
  { spec: { replicas: 1 }, status: { replicas: 1 } },
  {
    uid: 'u-1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 4,
    resourceVersion: '9',
    labels: { a: '1' },
  },
);

t.test('generation grows exactly when what is desired changes', async (t) => {
  const same = prepareUpdate(
    kind,
    deployment({ spec: { replicas: 1 } }, { labels: { a: '2' } }),
    old,
  );
  t.equal(same.metadata.generation, 4);
  t.strictSame(same.metadata.labels, { a: '2' });
  const changed = prepareUpdate(
    kind,
    deployment({ spec: { replicas: 2 } }, { generation: 99 }),
    old,
  );
  t.equal(changed.metadata.generation, 5);
  t.strictSame(changed['status'], { replicas: 1 });
  const again = prepareUpdate(kind, changed, old);
  t.strictSame(again, changed);
});

t.test('an update cannot change who an object is', async (t) => {
  const meta = {
    uid: 'other',
    creationTimestamp: '1999-01-01T00:00:00Z',
    deletionTimestamp: '1999-01-01T00:00:00Z',
    resourceVersion: '8',
  };
  const updated = prepareUpdate(kind, deployment({ spec: { replicas: 1 } }, meta), old);
  t.match(updated.metadata, {
    uid: 'u-1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    resourceVersion: '8',
  });
  t.notOk('deletionTimestamp' in updated.metadata);
  const going = {
    ...old,
    metadata: {
      ...old.metadata,
      deletionTimestamp: '2026-01-05T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    },
  };
  t.match(prepareUpdate(kind, deployment({ spec: {} }), going).metadata, {
    deletionTimestamp: '2026-01-05T00:00:00Z',
    deletionGracePeriodSeconds: 0,
  });
});

t.test('an update of the status changes the status and little else', async (t) => {
  const sent = deployment(
    { spec: { replicas: 9 }, status: { replicas: 3 } },
    { annotations: { n: '1' }, labels: { a: '9' }, resourceVersion: '7', generation: 1 },
  );
  const updated = prepareStatusUpdate(kind, sent, old);
  t.strictSame(updated['spec'], { replicas: 1 });
  t.strictSame(updated['status'], { replicas: 3 });
  t.match(updated.metadata, {
    uid: 'u-1',
    generation: 4,
    resourceVersion: '7',
    annotations: { n: '1' },
  });
  // A Deployment's labels are not taken along (deployment/strategy.go).
  t.strictSame(updated.metadata.labels, { a: '1' });
  const custom = { ...kind, custom: { uid: 'crd' } } as Kind;
  t.notOk('annotations' in prepareStatusUpdate(custom, sent, old).metadata);
});

t.test("a namespace's own finalizers change by finalize alone", async (t) => {
  const namespaces = kindOf('v1', 'Namespace');
  const namespace = object('v1', 'Namespace', {
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  const emptied = { ...namespace, spec: { finalizers: [] } };
  t.strictSame(prepareUpdate(namespaces, emptied, namespace)['spec'], {
    finalizers: ['kubernetes'],
  });
  t.strictSame(prepareFinalize(emptied, namespace)['spec'], {});
  t.strictSame(prepareFinalize(emptied, namespace)['status'], { phase: 'Active' });
});

t.test('a service keeps the addresses an update leaves out', async (t) => {
  const services = kindOf('v1', 'Service');
  const ports = [{ port: 80, protocol: 'TCP', nodePort: 30080 }];
  const before = object('v1', 'Service', {
    spec: { type: 'NodePort', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports },
  });
  const sent = object('v1', 'Service', {
    spec: { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP' }] },
  });
  t.strictSame(prepareUpdate(services, sent, before)['spec'], {
    type: 'NodePort',
    clusterIP: '10.0.0.1',
    clusterIPs: ['10.0.0.1'],
    ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
  });
});
