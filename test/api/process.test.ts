/** `api/main.ts` as `bay up` runs it: a process of its own on a real etcd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import t from 'tap';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { ensurePki } from '#api/pki/pki.ts';
import { configMaps, namespaces } from '#api/resources/resource-types.ts';
import type { ConfigMap, Namespace } from '#api/resources/types.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { temporaryDirectory } from '../support/etcd.ts';
import { configMap } from '../support/objects.ts';

const main = resolve(import.meta.dirname, '../../api/main.ts');
const dir = await temporaryDirectory(t);
const pki = join(dir, 'pki');
await ensurePki({ dir: pki, nodeNames: [], hosts: [] });
const port = await freePort();
const configPath = join(dir, 'api.json');
const etcdDir = join(dir, 'etcd');
const configuration = {
  clusterName: 'test',
  bindAddress: '127.0.0.1',
  port,
  dataDir: dir,
  runDir: dir,
  pki,
  etcdEndpoints: [`unix:${etcdDir}/localhost:12379`],
};
writeFileSync(configPath, JSON.stringify(configuration));
const client = connect({
  server: `https://127.0.0.1:${port}`,
  ca: join(pki, 'ca.crt'),
  cert: join(pki, 'admin.crt'),
  key: join(pki, 'admin.key'),
});
t.teardown(() => client.close());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port: free } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return free;
}

interface Run {
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly exited: Promise<number | null>;
}

function run(path = configPath): Run {
  let log = '';
  const child = spawn(process.execPath, [main, path], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  return { child, log: () => log, exited };
}

async function eventually<T>(work: (api: RemoteClient) => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await work(client);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

const ready = () => eventually((api) => api.request('GET', '/readyz'));
const maps = client.collection<ConfigMap>(configMaps);

t.test('it lives while it waits for etcd, and is ready when etcd has come', async (t) => {
  const first = run();
  t.equal(await eventually((api) => api.request('GET', '/livez')), 'ok');
  await t.rejects(client.request('GET', '/readyz'), /\[-\]etcd failed/);
  const etcd = await startEtcd({ dataDir: etcdDir });
  t.equal(await ready(), 'ok');
  const { items } = await client.collection<Namespace>(namespaces).list();
  t.strictSame(
    items.map((item) => item.metadata.name),
    ['default', 'kube-node-lease', 'kube-public', 'kube-system'],
  );
  first.child.kill('SIGTERM');
  t.equal(await first.exited, 0);
  t.match(first.log(), /"message":"stopped"/);
  await etcd.stop();
});

t.test('killed at any moment, it comes back with everything it had said yes to', async (t) => {
  const etcd = await startEtcd({ dataDir: etcdDir });
  const first = run();
  await ready();
  const accepted: string[] = [];
  const writing = (async () => {
    for (let at = 0; at < 500; at++) {
      await maps.create(configMap(`k${at}`));
      accepted.push(`k${at}`);
      if (at === 40) first.child.kill('SIGKILL');
    }
  })();
  await t.rejects(writing, { reason: 'ServiceUnavailable' } as unknown as Error);
  await first.exited;
  const second = run();
  await ready();
  const held = new Set((await maps.list()).items.map((item) => item.metadata.name));
  t.strictSame(
    accepted.filter((name) => !held.has(name)),
    [],
  );
  second.child.kill('SIGTERM');
  t.equal(await second.exited, 0);
  await etcd.stop();
});

t.test('reads go on while etcd is away, and writes and watches when it is back', async (t) => {
  const etcd = await startEtcd({ dataDir: etcdDir });
  const api = run();
  await ready();
  const { metadata } = await maps.create(configMap('steady'));
  const seen = new Promise<string>((done) => {
    const { resourceVersion = '' } = metadata;
    const subscription = maps
      .watch({ resourceVersion, fieldSelector: 'metadata.name=after' })
      .subscribe((event) => {
        subscription.unsubscribe();
        done(event.type);
      });
  });
  process.kill(etcd.pid, 'SIGKILL');
  await etcd.exited;
  t.equal((await maps.get({ namespace: 'default', name: 'steady' })).metadata.name, 'steady');
  const again = await startEtcd({ dataDir: etcdDir });
  await eventually(() => maps.create(configMap('after')));
  t.equal(await seen, 'ADDED');
  api.child.kill('SIGTERM');
  t.equal(await api.exited, 0);
  await again.stop();
});

t.test('what it cannot start with it says, and ends', async (t) => {
  const wrong = join(dir, 'wrong.json');
  writeFileSync(wrong, JSON.stringify({ ...configuration, port: 'many', pki: undefined }));
  const badConfig = run(wrong);
  t.not(await badConfig.exited, 0);
  t.match(badConfig.log(), /wrong\.json: missing or of a wrong type: port, pki/);
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(port, '127.0.0.1', done));
  const noPort = run();
  t.equal(await noPort.exited, 1);
  t.match(noPort.log(), /"message":"cannot listen".*EADDRINUSE/);
  await new Promise((done) => taken.close(done));
});
