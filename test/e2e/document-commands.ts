/** kubectl's commands of `bay` against pods that run: part of bay.test.ts, which has a cluster. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { type TestCluster, waitFor } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';

const documents = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: pair, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 1
  selector: {matchLabels: {app: pair}}
  template:
    metadata: {labels: {app: pair}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: page
        image: ${image}
        command: [sh, -c, 'mkdir /www; echo forwarded > /www/index.html; echo serving; exec httpd -f -p 8080 -h /www']
        ports: [{name: http, containerPort: 8080}]
      - name: side
        image: ${image}
        command: [sh, -c, 'echo beside; exec sleep 1d']
---
apiVersion: v1
kind: Service
metadata: {name: pair}
spec: {selector: {app: pair}, ports: [{port: 80, targetPort: http}]}
`;

const text = (url: string): Promise<string | undefined> =>
  new Promise((done) => {
    get(url, { timeout: 5_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => done(body));
    }).on('error', () => done(undefined));
  });

/** What `bay port-forward` forwards, as long as `use` runs. */
async function forwarded(
  cluster: TestCluster,
  target: string,
  use: (port: number) => Promise<void>,
): Promise<number | null> {
  const bay = resolve(import.meta.dirname, '../../bay');
  const args = ['port-forward', target, ':80', '--kubeconfig', cluster.kubeconfig];
  const child = spawn(bay, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    out += chunk;
  });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const port = await waitFor('the port', async () => /127\.0\.0\.1:(\d+) -> 8080/.exec(out)?.[1]);
  await use(Number(port));
  child.kill('SIGINT');
  return ended;
}

/** Needs an empty cluster; leaves it empty. */
export async function documentCommands(t: Test, cluster: TestCluster): Promise<void> {
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const path = join(cluster.folder, 'pair.yaml');
  writeFileSync(path, documents);
  t.match(await good('create', '-f', path), 'deployment.apps/pair created\nservice/pair created\n');
  t.match(
    await good('rollout', 'status', 'deploy/pair', '--timeout=60s'),
    /successfully rolled out\n$/,
  );
  t.match(
    await good('describe', 'pod', 'pair'),
    /Status: +Running\n[\s\S]*Events:\n[\s\S]*Started/,
  );
  t.equal(await good('logs', 'deploy/pair', '-c', 'side'), 'beside\n');
  const all = await good('logs', '-l', 'app=pair', '--all-containers', '--prefix');
  t.match(all, /^\[pod\/pair-\w+-\w+\/page\] serving\n\[pod\/pair-\w+-\w+\/side\] beside\n$/);
  t.equal(await good('exec', 'svc/pair', '-c', 'side', '--', 'echo', 'inside'), 'inside\n');
  const code = await forwarded(cluster, 'svc/pair', async (port) => {
    const pages = await Promise.all([1, 2, 3].map(() => text(`http://127.0.0.1:${port}/`)));
    t.strictSame(pages, ['forwarded\n', 'forwarded\n', 'forwarded\n']);
  });
  t.equal(code, 0, 'it ends well when it is interrupted');
  const used = await waitFor('figures', async () => {
    const { code: exit, stdout } = await cluster.bay(
      'top',
      'pods',
      '-l',
      'app=pair',
      '--no-headers',
    );
    return exit === 0 && stdout !== '' ? stdout : undefined;
  });
  t.match(used, /^pair-\w+-\w+ +\d+m +\d+Mi\n$/);
  t.match(await good('top', 'node'), /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\)/);
  await good(
    'patch',
    'deploy/pair',
    '-p',
    '{"spec":{"template":{"metadata":{"labels":{"v":"2"}}}}}',
  );
  await good('rollout', 'status', 'deploy/pair', '--timeout=60s');
  t.match(
    await good('rollout', 'history', 'deploy/pair'),
    /REVISION +CHANGE-CAUSE\n1 +first\n2 +first\n/,
  );
  t.match(await good('rollout', 'undo', 'deploy/pair'), 'deployment.apps/pair rolled back\n');
  await good('rollout', 'status', 'deploy/pair', '--timeout=60s');
  t.equal(
    await good('get', 'deploy/pair', '-o', 'jsonpath={.spec.template.metadata.labels}'),
    '{"app":"pair"}',
  );
  t.match(await good('events', '--for', 'deployment/pair'), /LAST SEEN +TYPE +REASON +OBJECT/);
  await good('delete', '-f', path, '--timeout=60s');
}
