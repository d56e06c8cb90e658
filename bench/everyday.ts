/**
 * What a person does with a cluster of one node: a hundred pods applied until they are ready, `bay ps`, `bay run --rm`
 * beside podman and docker, a push to a repository that is followed; and what a settled cluster writes.
 * `BENCH_IDLE_SECONDS` sets how long writes are counted (60).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '#api/client/client.ts';
import type { Client } from '#api/client/collection.ts';
import { deployments, leases } from '#api/resources/resource-types.ts';
import type { Deployment, Lease } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../test/support/cluster.ts';
import { GitRepository } from '../test/support/git-repository.ts';
import { makeRootfs } from './container-engine.ts';
import { ms, percentile, printTable } from './measure.ts';

const idleSeconds = Number(process.env['BENCH_IDLE_SECONDS'] ?? 60);
const image = 'bayplan.local/busybox:latest';

const crowd = (name: string, replicas: number, text = ''): Deployment =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            { name: 'main', image, command: ['sleep', '1d'], env: [{ name: 'TEXT', value: text }] },
          ],
        },
      },
    },
  }) as unknown as Deployment;

/** Asked often: what that adds would be seen in the result. */
async function untilReady(client: Client, name: string, done: (object: Deployment) => boolean) {
  const collection = client.collection<Deployment>(deployments);
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(5)) {
    const found = await collection.get({ name, namespace: 'default' }).catch(() => undefined);
    if (found !== undefined && done(found)) return;
  }
  throw new Error(`waited two minutes for ${name}`);
}

/** The last template is what runs, on all its pods and no others. */
const isRolledOut = ({ metadata, spec, status }: Deployment): boolean =>
  status?.observedGeneration === metadata.generation &&
  [status?.readyReplicas, status?.updatedReplicas, status?.replicas].every(
    (count) => count === spec?.replicas,
  );

async function hundred(client: Client): Promise<void> {
  const began = performance.now();
  await client.collection<Deployment>(deployments).create(crowd('crowd', 100));
  await untilReady(client, 'crowd', isRolledOut);
  const taken = performance.now() - began;
  printTable('A Deployment of 100 pods on one node', [{ 'applied -> all ready': ms(taken) }]);
}

/** The program's time from nothing to its end, each of `rounds` times. */
function times(rounds: number, command: string, args: readonly string[], env = process.env) {
  return Array.from({ length: rounds }, () => {
    const began = performance.now();
    const { status, stderr } = spawnSync(command, args, { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
    return performance.now() - began;
  });
}

const row = (what: string, taken: readonly number[]) => ({
  what,
  p50: ms(percentile(taken, 0.5)),
  least: ms(Math.min(...taken)),
  most: ms(Math.max(...taken)),
});

function podmanRows(folder: string) {
  const rootfs = join(folder, 'podman/rootfs');
  mkdirSync(rootfs, { recursive: true });
  makeRootfs(rootfs);
  const store = [
    '--root',
    join(folder, 'podman/root'),
    '--runroot',
    join(folder, 'podman/run'),
    '--storage-driver=vfs',
  ];
  // Its own limits need CAP_SYS_RESOURCE; without a network it has less to do than we.
  const limits = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024', '--network=none'];
  const words = ['run', '--rm', ...limits, '--rootfs', rootfs, '/bin/sleep', '0'];
  return [
    row(
      'podman run --rm, no network',
      times(8, 'podman', [...store, '--cgroup-manager=cgroupfs', ...words]),
    ),
  ];
}

/** With an image of its own, which goes again: nobody's registry is asked. */
function dockerRows(folder: string) {
  const rootfs = join(folder, 'docker/rootfs');
  mkdirSync(rootfs, { recursive: true });
  makeRootfs(rootfs);
  const name = `bench-everyday:${process.pid}`;
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', `tar -C ${rootfs} -c . | docker import - ${name}`],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  try {
    const words = ['run', '--rm', '--network=none', name, '/bin/sleep', '0'];
    return [row('docker run --rm, no network', times(8, 'docker', words))];
  } finally {
    spawnSync('docker', ['rmi', '-f', name]);
  }
}

function commands(cluster: TestCluster): void {
  const bay = join(import.meta.dirname, '../bay');
  const places = { BAY_DATA_DIR: cluster.dataDir, BAY_RUN_DIR: cluster.runDir };
  const env = { ...process.env, BAY_NAME: cluster.name, ...places };
  const rows = [
    row('bay ps (must 120 ms)', times(20, bay, ['ps'], env)),
    row('bay run --rm busybox true', times(8, bay, ['run', '--rm', image, 'true'], env)),
  ];
  for (const [name, peer] of [
    ['podman', () => podmanRows(cluster.folder)],
    ['docker', () => dockerRows(cluster.folder)],
  ] as const) {
    try {
      rows.push(...peer());
    } catch (error) {
      console.log(`${name}: not measured: ${(error as Error).message.trim().split('\n').at(-1)}`);
    }
  }
  printTable('Commands, from nothing to their end', rows);
}

async function pushes(cluster: TestCluster, client: Client): Promise<void> {
  const repository = new GitRepository(cluster.folder);
  const push = (text: string) =>
    repository.push({ 'web.yaml': JSON.stringify(crowd('web', 1, text)) });
  push('0');
  const sync = { apiVersion: 'bayplan.dev/v1alpha1', kind: 'GitSync', metadata: { name: 'fleet' } };
  const file = join(cluster.folder, 'sync.yaml');
  writeFileSync(file, JSON.stringify({ ...sync, spec: { source: { url: repository.url } } }));
  const { code, stderr } = await cluster.bay('apply', '-f', file);
  if (code !== 0) throw new Error(stderr);
  await untilReady(client, 'web', isRolledOut);
  const textOf = ({ spec }: Deployment) => spec?.template?.spec?.containers[0]?.env?.[0]?.value;
  const taken: number[] = [];
  for (const text of ['1', '2', '3', '4', '5']) {
    push(text);
    const began = performance.now();
    await untilReady(client, 'web', (found) => textOf(found) === text && isRolledOut(found));
    taken.push(performance.now() - began);
  }
  printTable('A repository that is followed', [
    row('push -> the new pod is ready, the old one gone', taken),
  ]);
  await cluster.bay('delete', 'gitsync', 'fleet');
}

async function writes(client: Client): Promise<void> {
  const collection = client.collection<Lease>(leases);
  const revision = async () => Number((await collection.list({})).resourceVersion);
  const renewals = async () =>
    new Map(
      (await collection.list({})).items.map((lease) => [
        lease.metadata.name,
        lease.spec?.renewTime,
      ]),
    );
  await sleep(15_000);
  const [before, held] = [await revision(), await renewals()];
  await sleep(idleSeconds * 1_000);
  const count = ((await revision()) - before) * (60 / idleSeconds);
  const renewed = [...(await renewals())].filter(([name, time]) => held.get(name) !== time);
  printTable('A settled cluster with 100 pods', [
    {
      'writes a minute': count.toFixed(0),
      'Leases renewed': renewed.map(([name]) => name).join(', '),
    },
  ]);
}

const cluster = await TestCluster.create();
try {
  await cluster.up();
  const client = connect({ kubeconfig: cluster.kubeconfig });
  await waitFor('the service account', async () =>
    (await cluster.kubectl('get', 'serviceaccount', 'default')).code === 0 ? true : undefined,
  );
  commands(cluster);
  await pushes(cluster, client);
  await hundred(client);
  await writes(client);
  client.close();
} finally {
  await cluster.destroy();
}
