/** Workloads from documents to processes, driven with real kubectl on a real cluster. */
import t from 'tap';
import type { Job, Pod, StatefulSet } from '#api/resources/types.ts';
import { TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(180_000);
const skip = await withoutKubectl();

const container = (command: string) =>
  `{name: main, image: '${image}', command: [sh, -c, '${command}']}`;
const staying = container('trap "exit 0" TERM; echo up; while :; do sleep 0.1; done');

const lasting = (kind: string, name: string, more: string) => `
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  ${more}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {terminationGracePeriodSeconds: 1, containers: [${staying}]}
---`;

const indexed = `
apiVersion: batch/v1
kind: Job
metadata: {name: numbers}
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  backoffLimitPerIndex: 0
  template:
    spec:
      restartPolicy: Never
      containers: [${container('echo index $JOB_COMPLETION_INDEX on $(hostname); exit $((JOB_COMPLETION_INDEX == 1))')}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: flaky}
spec:
  completions: 2
  parallelism: 2
  template:
    spec:
      restartPolicy: OnFailure
      volumes: [{name: tries, emptyDir: {}}]
      containers:
      - name: main
        image: ${image}
        command: [sh, -c, 'test -e /tries/one || { touch /tries/one; exit 1; }']
        volumeMounts: [{name: tries, mountPath: /tries}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: codes}
spec:
  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}
  template:
    spec: {restartPolicy: Never, containers: [${container('exit 42')}]}
`;

t.test('workloads run, change and end', { skip, timeout: 170_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(...args);
    t.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const podsOf = async (selector: string) =>
    (await cluster.json<{ items: Pod[] }>('get', 'pods', '-l', selector)).items;

  await cluster.apply(
    lasting('StatefulSet', 'sts', 'serviceName: sts\n  replicas: 2') +
      lasting('DaemonSet', 'ds', 'minReadySeconds: 0') +
      lasting('Deployment', 'web', 'replicas: 2') +
      indexed,
  );

  await t.test('a StatefulSet comes in order, scales and is undone', async (t) => {
    await good('rollout', 'status', 'sts/sts', '--timeout=60s');
    t.match(await good('get', 'sts', 'sts'), /sts +2\/2/);
    const pods = await podsOf('app=sts');
    t.strictSame(pods.map(({ metadata }) => metadata.name).sort(), ['sts-0', 'sts-1']);
    t.equal((await good('exec', 'sts-1', '--', 'hostname')).trim(), 'sts-1');
    await good('scale', 'sts', 'sts', '--replicas=1');
    await good('wait', '--for=delete', 'pod/sts-1', '--timeout=100s');
    await good('set', 'env', 'sts/sts', 'COLOUR=green');
    await good('rollout', 'status', 'sts/sts', '--timeout=60s');
    t.equal((await good('exec', 'sts-0', '--', 'sh', '-c', 'echo $COLOUR')).trim(), 'green');
    await good('rollout', 'undo', 'sts/sts');
    await good('rollout', 'status', 'sts/sts', '--timeout=60s');
    t.equal((await good('exec', 'sts-0', '--', 'sh', '-c', 'echo $COLOUR')).trim(), '');
    const { status } = await cluster.json<StatefulSet>('get', 'sts', 'sts');
    t.match(status, { readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 });
    t.equal(status?.currentRevision, status?.updateRevision);
  });

  await t.test('a DaemonSet is on every node and is rolled', async (t) => {
    await good('rollout', 'status', 'ds/ds', '--timeout=60s');
    const [before] = await podsOf('app=ds');
    await good('rollout', 'restart', 'ds/ds');
    await good('rollout', 'status', 'ds/ds', '--timeout=60s');
    const after = await waitFor('the old pod to go', async () => {
      const pods = await podsOf('app=ds');
      return pods.length === 1 ? pods : undefined;
    });
    t.not(after[0]?.metadata.uid, before?.metadata.uid);
    t.match(await good('rollout', 'history', 'ds/ds'), /REVISION[\s\S]*1[\s\S]*2/);
    t.match(await good('get', 'ds', 'ds'), /ds +1 +1 +1 +1 +1/);
  });

  await t.test('a Deployment is paused, resumed and undone', async (t) => {
    const colours = async () => {
      await good('rollout', 'status', 'deployment/web', '--timeout=60s');
      const pods = await podsOf('app=web');
      return pods
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ spec }) => spec?.containers[0]?.env?.[0]?.value);
    };
    await good('rollout', 'pause', 'deployment/web');
    await good('set', 'env', 'deployment/web', 'COLOUR=green');
    t.equal((await podsOf('app=web')).length, 2);
    await good('rollout', 'resume', 'deployment/web');
    t.strictSame(await colours(), ['green', 'green']);
    await good('rollout', 'undo', 'deployment/web');
    t.strictSame(await colours(), [undefined, undefined]);
    t.match(await good('rollout', 'history', 'deployment/web'), /2[\s\S]*3/);
    const { items } = await cluster.json<{ items: unknown[] }>('get', 'rs', '-l', 'app=web');
    t.equal(items.length, 2);
  });

  await t.test('Jobs end as their pods do', async (t) => {
    await good('create', 'job', 'hello', `--image=${image}`, '--', 'echo', 'hello');
    await good('wait', '--for=condition=Complete', 'job/hello', '--timeout=60s');
    t.equal(await good('logs', 'job/hello'), 'hello\n');
    t.match(await good('get', 'job', 'hello'), /hello +Complete +1\/1/);
    await good('wait', '--for=condition=Failed', 'job/numbers', 'job/codes', '--timeout=60s');
    const numbers = await cluster.json<Job>('get', 'job', 'numbers');
    t.match(numbers.status, {
      completedIndexes: '0,2',
      failedIndexes: '1',
      succeeded: 2,
      failed: 1,
    });
    const [third] = await podsOf('batch.kubernetes.io/job-completion-index=2');
    t.equal(await good('logs', third?.metadata.name ?? ''), 'index 2 on numbers-2\n');
    await good('wait', '--for=condition=Complete', 'job/flaky', '--timeout=60s');
    const flaky = await cluster.json<Job>('get', 'job', 'flaky');
    t.match([flaky.status?.succeeded, flaky.status?.failed], [2, undefined], 'restarted in place');
    const codes = await cluster.json<Job>('get', 'job', 'codes');
    t.equal(codes.status?.conditions?.[0]?.reason, 'PodFailurePolicy');
    await good('delete', 'job', 'hello', 'numbers', 'codes', 'flaky', '--timeout=100s');
    t.strictSame(await podsOf('batch.kubernetes.io/job-name'), [], 'their pods go before them');
  });

  await t.test('a CronJob starts Jobs, by the clock and by hand', async (t) => {
    await good(
      'create',
      'cronjob',
      'often',
      `--image=${image}`,
      '--schedule=@every 1s',
      '--',
      'true',
    );
    await waitFor('a first Job', async () => {
      const { items } = await cluster.json<{ items: Job[] }>('get', 'jobs');
      return items.some(({ status }) => (status?.succeeded ?? 0) > 0) ? true : undefined;
    });
    await good('patch', 'cronjob', 'often', '-p', '{"spec":{"suspend":true}}');
    await good('create', 'job', '--from=cronjob/often', 'by-hand');
    await good('wait', '--for=condition=Complete', 'job/by-hand', '--timeout=100s');
    const refused = await cluster.kubectl(
      'create',
      'cronjob',
      'x',
      `--image=${image}`,
      '--schedule=61 * * * *',
    );
    t.match(refused.stderr, /end of range \(61\) above maximum \(59\): 61/);
  });

  t.equal(await cluster.interrupt(), 0, cluster.output);
});
