/**
 * The whole way of a document: empty directory -> API ready -> first container; document applied -> first instruction
 * of the container, one at a time and 50 at once; memory and CPU of every process at rest.
 * `BENCH_IDLE_SECONDS` sets how long rest is watched (60).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '#api/client/client.ts';
import type { Client } from '#api/client/collection.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../test/support/cluster.ts';
import { cpuMsOf, memoryOf, ms, percentile, printTable } from './measure.ts';
import { makeStampImage, stampImage } from './stamp-image.ts';

const idleSeconds = Number(process.env['BENCH_IDLE_SECONDS'] ?? 60);
const wallMs = (): number => performance.timeOrigin + performance.now();

const stampPod = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    terminationGracePeriodSeconds: 0,
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: stampImage, imagePullPolicy: 'Never' }],
  },
});

/** The wall clock in ms that the pod's program wrote first; `undefined` while it has not. */
function stampOf(cluster: TestCluster, name: string): number | undefined {
  const folder = join(cluster.dataDir, 'log/pods');
  const pod = readdirSync(folder).find((entry) => entry.startsWith(`default_${name}_`));
  if (pod === undefined) return undefined;
  try {
    const line = readFileSync(join(folder, pod, 'main/0.log'), 'utf8').split(' ')[3];
    return line === undefined ? undefined : Number(line) / 1e6;
  } catch {
    return undefined;
  }
}

async function startPod(cluster: TestCluster, client: Client, name: string): Promise<number> {
  const applied = wallMs();
  await client.collection<Pod>(pods).create(stampPod(name));
  return (await waitFor(`pod ${name}`, () => stampOf(cluster, name))) - applied;
}

async function remove(client: Client, names: readonly string[]): Promise<void> {
  const collection = client.collection<Pod>(pods);
  await Promise.all(names.map((name) => collection.delete({ name, namespace: 'default' })));
  await waitFor('the pods to go', async () => {
    const { items } = await collection.list({ namespace: 'default' });
    return items.length === 0 ? true : undefined;
  });
}

/** The agent has taken away all it made for pods: nothing goes on beside the next start. */
function settled(cluster: TestCluster): Promise<true> {
  const folder = join(cluster.dataDir, 'pods');
  return waitFor('the node to rest', () => (readdirSync(folder).length === 0 ? true : undefined));
}

/** Forty pods, each after the last was deleted; `rested`: and was taken away from the node. */
async function oneByOne(cluster: TestCluster, client: Client, rested: boolean): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    const name = `single-${index}`;
    if (rested) await settled(cluster);
    taken.push(await startPod(cluster, client, name));
    await remove(client, [name]);
    await sleep(50);
  }
  return taken;
}

async function appliedToRunning(cluster: TestCluster, client: Client) {
  const single = await oneByOne(cluster, client, true);
  const chased = await oneByOne(cluster, client, false);
  const names = Array.from({ length: 50 }, (_, index) => `burst-${index}`);
  const burst = await Promise.all(names.map((name) => startPod(cluster, client, name)));
  await remove(client, names);
  const row = (what: string, values: number[]) => ({
    what,
    p50: ms(percentile(values, 0.5)),
    p99: ms(percentile(values, 0.99)),
    min: ms(percentile(values, 0)),
  });
  printTable('Document applied -> first instruction of the container', [
    row('one at a time (40, the first included)', single),
    row('the same while the last pod is being taken away', chased),
    row('50 at once', burst),
  ]);
}

async function coldStart(cluster: TestCluster): Promise<void> {
  const manifest = join(cluster.folder, 'first.yaml');
  const page = { image: 'bayplan.local/busybox:latest', command: ['sleep', '1d'] };
  const first = {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name: 'first', namespace: 'default' },
    spec: page,
  };
  writeFileSync(manifest, JSON.stringify(first));
  const started = performance.now();
  const up = cluster.up('--apply', manifest);
  // Looked at often: what `waitFor` adds would be seen in the result.
  while (!cluster.output.includes('API ready')) await Promise.race([up, sleep(2)]);
  const apiReady = performance.now() - started;
  await up;
  const running = performance.now() - started;
  printTable('Empty directory -> cluster', [
    { what: 'API ready', time: ms(apiReady) },
    { what: 'first container running and shown', time: ms(running) },
  ]);
  await cluster.kubectl('delete', 'container', 'first');
}

async function atRest(cluster: TestCluster): Promise<void> {
  const state = JSON.parse(readFileSync(join(cluster.runDir, 'up.json'), 'utf8'));
  const parts: [string, number][] = [['bay up', state.pid], ...Object.entries<number>(state.parts)];
  await sleep(5_000);
  const before = parts.map(([, pid]) => cpuMsOf(pid));
  await sleep(idleSeconds * 1_000);
  const rows = parts.map(([part, pid], index) => {
    const memory = memoryOf(pid);
    return { part, ...memory, cpu: (cpuMsOf(pid) - (before[index] ?? 0)) / idleSeconds };
  });
  const sum = (pick: (row: (typeof rows)[number]) => number) =>
    rows.reduce((total, row) => total + pick(row), 0);
  const total = {
    part: 'all',
    rss: sum((r) => r.rss),
    pss: sum((r) => r.pss),
    private: sum((r) => r.private),
    cpu: sum((r) => r.cpu),
  };
  const mb = (kib: number) => (kib / 1024).toFixed(1);
  printTable(
    `At rest (${idleSeconds} s)`,
    [...rows, total].map((row) => ({
      process: row.part,
      'resident MiB': mb(row.rss),
      'proportional MiB': mb(row.pss),
      'private MiB': mb(row.private),
      'CPU ms per s': row.cpu.toFixed(1),
    })),
  );
}

const cluster = await TestCluster.create();
try {
  await coldStart(cluster);
  const archive = join(cluster.folder, 'stamp.tar');
  writeFileSync(archive, await makeStampImage(cluster.folder));
  const loaded = await cluster.bay('image', 'load', archive);
  if (loaded.code !== 0) throw new Error(loaded.stderr);
  const client = connect({ kubeconfig: cluster.kubeconfig });
  await waitFor('the first container to go', async () => {
    const { items } = await client.collection<Pod>(pods).list({ namespace: 'default' });
    return items.length === 0 ? true : undefined;
  });
  await atRest(cluster);
  await appliedToRunning(cluster, client);
  client.close();
} finally {
  await cluster.destroy();
}
