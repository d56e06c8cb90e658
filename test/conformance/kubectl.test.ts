/** What the profile asks of kubectl where nothing needs to run: the newest kubectl against this server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

const release = kubectlReleases().at(-1);
const options = release === undefined ? { skip: 'needs kubectl' } : {};
const server = await startTestServer();
const kubectl = kubectlFor(server.kubeconfig, release?.program);
t.teardown(async () => {
  kubectl.close();
  await server.close();
});

/** The output of a command that must succeed. */
async function out(command: string, input?: object): Promise<string> {
  const given = input === undefined ? '' : JSON.stringify(input);
  const { code, stdout, stderr } = await kubectl(command.split(' '), given);
  if (code !== 0) throw new Error(`kubectl ${command}: ${stderr}`);
  return stdout.trim();
}
const json = async (command: string) => JSON.parse(await out(`${command} -o json`));

const labels = { app: 'agnhost', role: 'primary' };
const podSpec = { containers: [{ name: 'agnhost-primary', image: 'agnhost:2.40' }] };
const controller = {
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: 'agnhost-primary', labels },
  spec: {
    replicas: 1,
    selector: labels,
    template: { metadata: { labels }, spec: { ...podSpec } },
  },
};
const plainPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'plain', labels: { run: 'plain' } },
  spec: podSpec,
};
await t.test('what the commands work on', options, async (t) => {
  t.match(await out('create -f -', controller), /created/);
  t.match(await out('create -f -', plainPod), /created/);
});

t.test(
  'Kubectl client Kubectl api-versions should check if v1 is in available api versions',
  options,
  async (t) => {
    t.ok((await out('api-versions')).split('\n').includes('v1'));
  },
);

t.test(
  'Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info',
  options,
  async (t) => {
    const text = await out('cluster-info');
    t.ok(text.includes('Kubernetes control plane'));
    t.ok(text.includes(server.url));
  },
);

t.test('Kubectl client Kubectl version should check is all data is printed', options, async (t) => {
  const text = await out('version');
  for (const part of ['Client Version', 'Server Version']) t.ok(text.includes(part), part);
});

t.test(
  'Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods',
  options,
  async (t) => {
    const rc = await out('describe rc agnhost-primary');
    for (const line of [
      /^Name:\s+agnhost-primary/m,
      /^Namespace:\s+default/m,
      /^Selector:\s+app=agnhost,role=primary/m,
      /^Replicas:\s+\d+ current \/ 1 desired/m,
      /^Pods Status:/m,
      /Image:\s+agnhost:2.40/,
    ]) {
      t.match(rc, line);
    }
    const pod = await out('describe pod plain');
    for (const line of [/^Name:\s+plain/m, /^Labels:\s+run=plain/m, /^Status:\s+Pending/m]) {
      t.match(pod, line);
    }
    t.match(await out('describe namespace default'), /^Status:\s+Active/m);
    t.match(await out('describe service kubernetes'), /^Type:\s+ClusterIP/m);
  },
);

t.test('Kubectl client Kubectl expose should create services for rc', options, async (t) => {
  await out('expose rc agnhost-primary --name=rm2 --port=1234 --target-port=6379');
  await out('expose service rm2 --name=rm3 --port=2345 --target-port=6379');
  for (const [name, port] of [
    ['rm2', 1234],
    ['rm3', 2345],
  ] as const) {
    const { spec } = await json(`get service ${name}`);
    t.match(spec, { ports: [{ port, targetPort: 6379 }], selector: labels });
  }
});

t.test('Kubectl client Kubectl label should update the label on a resource', options, async (t) => {
  await out('label pods plain testing-label=testing-label-value');
  t.match(await out('get pod plain -L testing-label'), /testing-label-value/);
  await out('label pods plain testing-label-');
  t.notMatch(await out('get pod plain -L testing-label'), /testing-label-value/);
});

t.test('Kubectl client Kubectl patch should add annotations for pods in rc', options, async (t) => {
  await out('patch pod plain -p {"metadata":{"annotations":{"x":"y"}}}');
  t.equal((await json('get pod plain')).metadata.annotations.x, 'y');
});

t.test(
  "Kubectl client Kubectl replace should update a single-container pod's image",
  options,
  async (t) => {
    const pod = await json('get pod plain');
    pod.spec.containers[0].image = 'busybox:1.37';
    await out('replace -f -', pod);
    t.equal((await json('get pod plain')).spec.containers[0].image, 'busybox:1.37');
  },
);

t.test(
  'Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods',
  options,
  async (t) => {
    const patch = '{"spec":{"containers":[{"name":"agnhost-primary","image":"busybox:9"}]}}';
    t.match(await out(`patch pod plain -p ${patch} --dry-run=server`), /patched/);
    t.not((await json('get pod plain')).spec.containers[0].image, 'busybox:9');
  },
);

t.test(
  'Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments',
  options,
  async (t) => {
    const deployment = (image: string) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'httpd' },
      spec: {
        selector: { matchLabels: { app: 'httpd' } },
        template: {
          metadata: { labels: { app: 'httpd' } },
          spec: { containers: [{ name: 'httpd', image }] },
        },
      },
    });
    await out('create -f -', deployment('httpd:1'));
    const { code, stdout } = await kubectl(
      ['diff', '-f', '-'],
      JSON.stringify(deployment('busybox:1')),
    );
    t.equal(code, 1, 'there is a difference');
    t.match(stdout, /-\s+- image: httpd:1/);
    t.match(stdout, /\+\s+- image: busybox:1/);
  },
);

t.test(
  'Kubectl client Kubectl run pod should create a pod from an image when restart is Never',
  options,
  async (t) => {
    await out('run once --restart=Never --image=httpd:1');
    const { spec } = await json('get pod once');
    t.match(spec, { restartPolicy: 'Never', containers: [{ image: 'httpd:1' }] });
  },
);

/** What `kubectl proxy` says first; it is ended when the test is. */
function proxy(t: { teardown(end: () => void): void }, ...args: string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: server.kubeconfig };
  const child: ChildProcess = spawn(release?.program ?? 'kubectl', ['proxy', ...args], { env });
  t.teardown(() => void child.kill());
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    child.stdout?.once('data', (said) => resolve(String(said)));
  });
}

const bodyAt = (where: object): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request({ path: '/api/', ...where }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.once('end', () => resolve(text));
    });
    asked.once('error', reject).end();
  });

t.test('Kubectl client Proxy server should support proxy with --port 0', options, async (t) => {
  const said = await proxy(t, '-p', '0', '--disable-filter');
  const port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  t.match(JSON.parse(await bodyAt({ host: '127.0.0.1', port })), { kind: 'APIVersions' });
});

t.test('Kubectl client Proxy server should support --unix-socket=/path', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bayplan-proxy-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'test');
  await proxy(t, `--unix-socket=${socketPath}`);
  t.match(JSON.parse(await bodyAt({ socketPath })), { kind: 'APIVersions' });
});
