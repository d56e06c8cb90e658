/** Volumes, endpoints, budgets and sizes from end to end: real kubectl, real containers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type {
  Deployment,
  Endpoints,
  Event,
  HorizontalPodAutoscaler,
  PersistentVolumeClaim,
  Pod,
} from '#api/resources/types.ts';
import { TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(200_000);
const skip = await withoutKubectl();

const writer = (name: string, command: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - {name: main, image: '${image}', command: [sh, -c, '${command}'], volumeMounts: [{name: data, mountPath: /data}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`;
const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
`;
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: '${image}'
        command: [sleep, '3600']
        ports: [{name: http, containerPort: 8080}]
        resources: {requests: {cpu: 1m}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
`;

t.test('a cluster that places pods', { skip }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(...args);
    t.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const ended = (name: string) =>
    waitFor(`pod ${name} to end`, async () => {
      const pod = await cluster.json<Pod>('get', 'pod', name);
      return pod.status?.phase === 'Succeeded' ? pod : undefined;
    });
  const served = (count: number) =>
    waitFor(`${count} endpoints`, async () => {
      const { subsets = [] } = await cluster.json<Endpoints>('get', 'endpoints', 'web');
      const all = subsets.flatMap(({ addresses = [] }) => addresses);
      return all.length === count ? subsets : undefined;
    });

  await t.test('what a pod writes into its claim the next one reads', async (t) => {
    await cluster.apply(claim);
    t.match(await ok('get', 'storageclass'), /local \(default\)\s+bayplan.dev\/local/);
    await cluster.apply(writer('first', 'echo kept > /data/file'));
    await ended('first');
    await ok('delete', 'pod', 'first');
    await cluster.apply(writer('second', 'cat /data/file'));
    await ended('second');
    t.equal(await ok('logs', 'second'), 'kept');
    t.match(await cluster.json<PersistentVolumeClaim>('get', 'pvc', 'data'), {
      status: { phase: 'Bound', capacity: { storage: '10Mi' } },
    });
  });

  await t.test('a claim that goes takes its directory with it, once no pod uses it', async (t) => {
    const { spec } = await cluster.json<PersistentVolumeClaim>('get', 'pvc', 'data');
    const directory = join(cluster.dataDir, 'persistent-volumes', spec?.volumeName ?? '');
    t.ok(existsSync(directory));
    await ok('delete', 'pvc', 'data', '--wait=false');
    t.match((await cluster.json<PersistentVolumeClaim>('get', 'pvc', 'data')).metadata, {
      deletionTimestamp: /.+/,
    });
    await ok('delete', 'pod', 'second');
    await waitFor('the directory to go', () => (existsSync(directory) ? undefined : true));
    await waitFor('the volume to go', async () => {
      const { items } = await cluster.json<{ items: unknown[] }>('get', 'pv');
      return items.length === 0 ? true : undefined;
    });
  });

  await t.test('a service tells who serves it, by the number behind the port’s name', async (t) => {
    await cluster.apply(web);
    const [subset] = await served(2);
    t.match(subset?.ports, [{ port: 8080, protocol: 'TCP' }]);
    t.match(await ok('get', 'endpointslices'), /web-\w{5}\s+IPv4\s+8080/);
  });

  await t.test('a drain waits for the budget, and says so; then the node is empty', async (t) => {
    const node = await ok('get', 'nodes', '-o', 'name');
    await waitFor('the budget to be counted', async () => {
      const text = await ok('get', 'pdb', 'web', '-o', 'jsonpath={.status.currentHealthy}');
      return text === '2' ? true : undefined;
    });
    const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data'];
    const refused = await cluster.kubectl(...drain, '--timeout=4s');
    t.not(refused.code, 0);
    t.match(refused.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
    await ok('patch', 'pdb', 'web', '--type=merge', '-p', '{"spec":{"minAvailable":0}}');
    await ok(...drain, '--timeout=60s');
    await served(0);
    const told = await waitFor('the reason why nothing is placed', async () => {
      const { items } = await cluster.json<{ items: Event[] }>('get', 'events');
      return items.find(({ reason }) => reason === 'FailedScheduling')?.message;
    });
    t.match(told, /^0\/1 nodes are available: 1 node\(s\) were unschedulable\. preemption: /);
    await ok('uncordon', node);
    await served(2);
  });

  await t.test('an autoscaler keeps to its least size', async (t) => {
    await ok('autoscale', 'deployment', 'web', '--min=3', '--max=4', '--cpu-percent=50');
    await waitFor('three replicas', async () => {
      const { spec } = await cluster.json<Deployment>('get', 'deployment', 'web');
      return spec?.replicas === 3 ? true : undefined;
    });
    const { status } = await waitFor('its status', async () => {
      const found = await cluster.json<HorizontalPodAutoscaler>('get', 'hpa', 'web');
      return found.status?.desiredReplicas === 3 ? found : undefined;
    });
    // Fifteen seconds later there is nothing to be done: the reason is another, the event stays.
    t.match(
      status?.conditions?.find(({ type }) => type === 'AbleToScale'),
      { status: 'True', reason: /^(SucceededRescale|ReadyForNewScale)$/ },
    );
    await waitFor('the event', async () => {
      const { items } = await cluster.json<{ items: Event[] }>('get', 'events');
      return items.find(({ reason }) => reason === 'SuccessfulRescale');
    });
    await served(3);
  });
});
