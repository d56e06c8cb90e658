/** The path of a document from end to end: real kubectl, real etcd, real namespaces. */
import { get } from 'node:http';
import t from 'tap';
import type { Deployment, Pod } from '#api/resources/types.ts';
import { run, TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(280_000);
const before = machine();
const skip = await withoutKubectl();

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: one}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: ${image}
    command: [sh, -c, 'echo hello; echo oops >&2; trap "exit 0" TERM; while :; do sleep 0.2; done']
    env: [{name: GREETING, value: hi}]
    volumeMounts: [{name: settings, mountPath: /settings}, {name: scratch, mountPath: /scratch}]
    resources: {limits: {memory: 64Mi, cpu: 500m}}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: scratch, emptyDir: {}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green}
`;

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: ${image}, command: [sleep, 1d]}
`;

const container = `
apiVersion: bayplan.dev/v1alpha1
kind: Container
metadata: {name: page}
spec:
  image: ${image}
  command: [sh, -c]
  args: ['mkdir /www && echo standard > /www/index.html && exec httpd -f -p 8080 -h /www']
  ports: [{containerPort: 8080}]
`;

const text = (url: string): Promise<string | undefined> =>
  new Promise((done) => {
    get(url, { timeout: 1_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => done(response.statusCode === 200 ? body : undefined));
    }).on('error', () => done(undefined));
  });

t.test('documents become containers and go again', { skip, timeout: 240_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(...args);
    t.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  await t.test('a Pod runs, shows itself and is spoken to', async (t) => {
    await cluster.apply(pod);
    await good('wait', '--for=condition=Ready', 'pod/one', '--timeout=30s');
    const wide = await good('get', 'pod', 'one', '-o', 'wide');
    t.match(wide, /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
    t.match(wide, /one +1\/1 +Running +0 +\d+s +10\.\d+\.\d+\.\d+ /);
    const described = await good('describe', 'pod', 'one');
    t.match(described, /Container ID: +bayplan:\/\/[0-9a-f]{64}/);
    t.match(described, /QoS Class: +Guaranteed|QoS Class: +Burstable/);
    t.match(await good('logs', 'one'), /^hello\noops\n$|^oops\nhello\n$/);
    const exec = (...command: string[]) => good('exec', 'one', '--', ...command);
    t.equal(await exec('cat', '/settings/colour'), 'green');
    t.equal(await exec('sh', '-c', 'echo $GREETING; hostname'), 'hi\none\n');
    t.equal((await exec('sh', '-c', 'echo x > /scratch/f; cat /scratch/f')).trim(), 'x');
    t.equal((await exec('readlink', '/proc/1/exe')).trim(), '/bin/sh');
    const failed = await cluster.kubectl('exec', 'one', '--', 'sh', '-c', 'exit 7');
    t.equal(failed.code, 7, 'the exit code comes through');
    const piped = await cluster.kubectlInput('from outside\n', 'exec', '-i', 'one', '--', 'cat');
    t.equal(piped.stdout, 'from outside\n');
  });

  await t.test('exec -it has a terminal of the size of ours', async (t) => {
    const inner = `stty rows 33 cols 77; kubectl --kubeconfig ${cluster.kubeconfig} exec -it one -- sh -c 'tty; stty size'`;
    const { stdout } = await run('script', ['-qec', inner, '/dev/null']);
    t.match(stdout, /\/dev\/pts\/\d+/);
    t.match(stdout, /33 77/);
  });

  await t.test('logs -f follows until the container ends', async (t) => {
    await good(
      'run',
      'short',
      `--image=${image}`,
      '--restart=Never',
      '--',
      'sh',
      '-c',
      'for i in 1 2 3; do echo $i; sleep 0.3; done',
    );
    await waitFor('the pod to start', async () => {
      const { status } = await cluster.json<Pod>('get', 'pod', 'short');
      return status?.phase === 'Pending' ? undefined : true;
    });
    t.equal(await good('logs', '-f', 'short'), '1\n2\n3\n');
    await waitFor('the pod to have succeeded', async () => {
      const { status } = await cluster.json<Pod>('get', 'pod', 'short');
      return status?.phase === 'Succeeded' ? true : undefined;
    });
    await good('delete', 'pod', 'short');
  });

  await t.test('a Deployment of 3 rolls out, scales and restarts', async (t) => {
    await cluster.apply(deployment);
    await good('rollout', 'status', 'deployment/web', '--timeout=60s');
    t.match(await good('get', 'deployment', 'web'), /web +3\/3 +3 +3/);
    await good('scale', 'deployment/web', '--replicas=5');
    await good('rollout', 'status', 'deployment/web', '--timeout=60s');
    const names = async () => {
      const { items } = await cluster.json<{ items: Pod[] }>('get', 'pods', '-l', 'app=web');
      return items
        .filter((p) => p.metadata.deletionTimestamp === undefined)
        .map((p) => p.metadata.name);
    };
    const first = await names();
    t.equal(first.length, 5);
    await good('rollout', 'restart', 'deployment/web');
    await good('rollout', 'status', 'deployment/web', '--timeout=60s');
    const second = await waitFor('five new pods', async () => {
      const now = await names();
      return now.length === 5 && now.every((name) => !first.includes(name)) ? now : undefined;
    });
    t.equal(new Set(second).size, 5);
    const { status } = await cluster.json<Deployment>('get', 'deployment', 'web');
    t.match(status, { readyReplicas: 5, updatedReplicas: 5, availableReplicas: 5 });
    await good('delete', 'deployment', 'web');
    await waitFor('its pods to go', async () => ((await names()).length === 0 ? true : undefined));
  });

  await t.test('a Container answers over HTTP on its own address', async (t) => {
    await cluster.apply(container);
    const ip = await waitFor('an address', async () => {
      const found = await cluster.json<{ status?: { ip?: string } }>('get', 'container', 'page');
      return found.status?.ip;
    });
    const body = await waitFor('the page', () => text(`http://${ip}:8080/`));
    t.equal(body, 'standard\n');
    t.match(await good('get', 'containers'), /page/);
    await good('delete', 'container', 'page');
    await waitFor('its pod to go', async () => {
      const { items } = await cluster.json<{ items: Pod[] }>('get', 'pods');
      return items.every((p) => p.metadata.name !== 'page') ? true : undefined;
    });
  });

  await t.test('deleting the Pod stops it in its grace period', async (t) => {
    await good('delete', 'pod', 'one', '--timeout=30s');
    t.equal((await cluster.kubectl('get', 'pod', 'one')).code, 1);
    await good('delete', 'configmap', 'settings');
  });

  t.equal(await cluster.interrupt(), 0, cluster.output);
});

t.test('afterwards the machine is as it was', { skip }, async (t) => {
  t.strictSame(await leftOver(before), {});
});
