/** Who must go for a taint and for a critical pod: real API server, real controllers, played nodes. */
import t from 'tap';
import { taintEvictionController } from '#controller/node-lifecycle/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { startPlayedApi } from './played-api.ts';

const cluster = await startPlayedApi([schedulerController, taintEvictionController], ['n1', 'n2']);
t.teardown(() => cluster.close());

const pod = (name: string, spec: object, cpu = '10m') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu } } }],
    terminationGracePeriodSeconds: 0,
    ...spec,
  },
});
const on = (node: string) => ({ nodeSelector: { 'kubernetes.io/hostname': node } });
const running = ({ status }: { status?: { phase?: string } }) => status?.phase === 'Running';

t.test('NoExecuteTaintManager Multiple Pods evicts pods with minTolerationSeconds', async (t) => {
  const base = await cluster.namespace('min-toleration');
  const tolerates = (tolerationSeconds: number) => ({
    ...on('n1'),
    tolerations: [
      {
        key: 'kubernetes.io/e2e-evict-taint-key',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds,
      },
    ],
  });
  await cluster.post(`${base}/pods`, pod('taint-eviction-b1', tolerates(1)));
  await cluster.post(`${base}/pods`, pod('taint-eviction-b2', tolerates(2)));
  await cluster.post(`${base}/pods`, pod('patient', tolerates(3_600)));
  for (const name of ['taint-eviction-b1', 'taint-eviction-b2', 'patient'])
    await cluster.until(`${base}/pods/${name}`, running);
  const taint = { key: 'kubernetes.io/e2e-evict-taint-key', value: 'evictTaintVal' };
  await cluster.patch('/api/v1/nodes/n1', {
    spec: { taints: [{ ...taint, effect: 'NoExecute' }] },
  });
  await cluster.until(`${base}/pods/taint-eviction-b1`, (_, status) => status === 404);
  await cluster.until(`${base}/pods/taint-eviction-b2`, (_, status) => status === 404);
  const { json } = await cluster.get(`${base}/pods/patient`);
  t.equal(json.metadata.deletionTimestamp, undefined, 'its hour is not over');
  await cluster.patch('/api/v1/nodes/n1', { spec: { taints: null } });
  await cluster.delete(`${base}/pods`);
});

t.test('SchedulerPreemption validates lower priority pod preemption by critical pod', async (t) => {
  for (const [name, value] of [
    ['medium', 100],
    ['high', 1_000],
  ] as const)
    await cluster.post('/apis/scheduling.k8s.io/v1/priorityclasses', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
    });
  const base = await cluster.namespace('preempted');
  const filling = [
    ['pod0', 'medium', 'n1'],
    ['pod1', 'high', 'n2'],
  ] as const;
  for (const [name, priorityClassName, node] of filling) {
    await cluster.post(`${base}/pods`, pod(name, { priorityClassName, ...on(node) }, '1500m'));
    await cluster.until(`${base}/pods/${name}`, running);
  }
  const system = '/api/v1/namespaces/kube-system/pods';
  const critical = { priorityClassName: 'system-cluster-critical' };
  const made = await cluster.post(system, pod('critical-pod', critical, '1500m'));
  t.equal(made.status, 201, made.text);
  const placed = await cluster.until(`${system}/critical-pod`, running);
  t.equal(placed.spec.nodeName, 'n1', 'where the least important one was');
  t.equal(placed.spec.priority, 2_000_000_000);
  await cluster.until(`${base}/pods/pod0`, (_, status) => status === 404);
  t.equal((await cluster.get(`${base}/pods/pod1`)).status, 200);
});
