/** exec, attach, cp, logs and port-forward with every kubectl of this machine: 1.27 to 1.29 speak SPDY, later ones WebSocket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run, TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

/** Google's package brings one of every release. */
const folder = '/usr/lib/google-cloud-sdk/bin';

function kubectls(): string[] {
  try {
    const found = readdirSync(folder).filter((name) => /^kubectl\.1\.\d+$/.test(name));
    return ['kubectl', ...found.map((name) => join(folder, name))];
  } catch {
    return ['kubectl'];
  }
}

const skip = await withoutKubectl();
if (skip !== false) t.plan(0, skip);
else {
  t.setTimeout(240_000);
  const cluster = await TestCluster.create();
  const work = mkdtempSync(join(tmpdir(), 'bay-streams-'));
  t.teardown(async () => {
    await cluster.destroy();
    rmSync(work, { recursive: true, force: true });
  });
  await cluster.up();
  await cluster.apply(`
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: bayplan.local/busybox:latest
    command: [sh, -c, 'mkdir /www; echo inside > /www/index.html; echo started; exec httpd -f -p 127.0.0.1:8080 -h /www']
    readinessProbe: {exec: {command: [wget, '-qO-', 'http://127.0.0.1:8080/']}, periodSeconds: 1, timeoutSeconds: 20}
---
apiVersion: v1
kind: Pod
metadata: {name: listener}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: bayplan.local/busybox:latest
    stdin: true
    command: [sh, -c, 'while read -r line; do echo "heard $line"; done']
`);
  const pods = ['pod/web', 'pod/listener'];
  const ready = await cluster.kubectl('wait', '--for=condition=Ready', ...pods, '--timeout=100s');
  t.equal(ready.code, 0, ready.stderr);

  for (const kubectl of kubectls()) {
    const version = kubectl.split('/').at(-1) ?? kubectl;
    const args = (...words: string[]) => ['--kubeconfig', cluster.kubeconfig, ...words];
    const ask = (...words: string[]) => run(kubectl, args(...words));

    t.test(`${version}: exec carries output, exit code and input`, async (t) => {
      // What comes before kubectl 1.30 to 1.33 have made their streams is lost (kubernetes/kubernetes#131203).
      const script = 'read line; echo out; echo err >&2; exit 7';
      const words = ['exec', '-i', 'web', '--', 'sh', '-c', script];
      const out = await run(kubectl, args(...words), { input: 'go\n' });
      t.match(out, { code: 7, stdout: 'out\n', stderr: /^err\n/ });
      const big = 'x'.repeat(1_000_000);
      const echoed = await run(kubectl, args('exec', '-i', 'web', '--', 'wc', '-c'), {
        input: big,
      });
      t.equal(echoed.stdout.trim(), String(big.length));
    });

    t.test(`${version}: cp brings files in and out`, async (t) => {
      const file = join(work, `in-${version}`);
      writeFileSync(file, 'a'.repeat(300_000));
      const into = await ask('cp', file, `web:/tmp/${version}`);
      t.equal(into.code, 0, into.stderr);
      const back = join(work, `out-${version}`);
      const out = await ask('cp', `web:/tmp/${version}`, back);
      t.equal(out.code, 0, out.stderr);
      t.equal(readFileSync(back, 'utf8'), readFileSync(file, 'utf8'));
    });

    t.test(`${version}: attach hands over input, logs tell what came of it`, async (t) => {
      const child = spawn(kubectl, args('attach', '-i', 'listener'));
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      child.stdin.write(`${version}\n`);
      await waitFor('the answer', () => (output.includes(`heard ${version}\n`) ? true : undefined));
      await ended(child);
      const log = await ask('logs', 'listener', '--tail=1');
      t.equal(log.stdout, `heard ${version}\n`, log.stderr);
    });

    t.test(`${version}: port-forward reaches what listens inside alone`, async (t) => {
      const { child, port } = await forwarded(kubectl, args('port-forward', 'web', ':8080'));
      const texts = await Promise.all(
        Array.from({ length: 5 }, () => fetch(`http://127.0.0.1:${port}/`).then((r) => r.text())),
      );
      t.strictSame(new Set(texts), new Set(['inside\n']));
      await ended(child);
    });

    t.test(`${version}: port-forward tells that nothing listens`, async () => {
      const { child, port, output } = await forwarded(kubectl, args('port-forward', 'web', ':9'));
      await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      await waitFor('the reason', () =>
        output().includes('nothing listens there') ? true : undefined,
      );
      await ended(child);
    });
  }

  t.test('the log of a run before the first is told as kubelet tells it', async (t) => {
    const { code, stderr } = await cluster.kubectl('logs', '-p', 'web');
    t.equal(code, 1);
    t.equal(
      stderr,
      'Error from server (BadRequest): previous terminated container "main" in pod "web" not found\n',
    );
  });
}

/** A port-forward that listens. */
async function forwarded(command: string, args: string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const port = await waitFor('port-forward to listen', () => {
    if (child.exitCode !== null) throw new Error(`port-forward ended: ${output}`);
    return /127\.0\.0\.1:(\d+) ->/.exec(output)?.[1];
  });
  return { child, port, output: () => output };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await exit;
}
