/** `controller/main.ts` as `bay up` runs it: a process of its own beside a real API server on a real etcd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { connect } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { ensurePki } from '#api/pki/pki.ts';
import {
  containers,
  customResourceDefinitions,
  deployments,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  serviceAccounts,
} from '#api/resources/resource-types.ts';
import type { Lease, Node, Pod } from '#api/resources/types.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { aDeployment, aNode } from '../support/builders.ts';
import { temporaryDirectory } from '../support/etcd.ts';

const home = resolve(import.meta.dirname, '../..');
const dir = await temporaryDirectory(t);
const pki = join(dir, 'pki');
const etcdDir = join(dir, 'etcd');
await ensurePki({ dir: pki, nodeNames: [], hosts: [] });
const port = await new Promise<number>((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = server.address() as { port: number };
    server.close(() => done(free));
  });
});
const identity = (name: string) => ({
  server: `https://127.0.0.1:${port}`,
  ca: join(pki, 'ca.crt'),
  cert: join(pki, `${name}.crt`),
  key: join(pki, `${name}.key`),
});
const client = connect(identity('admin'));
const api = {
  ...{ clusterName: 'test', bindAddress: '127.0.0.1', port, dataDir: dir, runDir: dir, pki },
  etcdEndpoints: [`unix:${etcdDir}/localhost:12379`],
};

interface Part {
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly exited: Promise<number | null>;
}

function start(part: 'api' | 'controller', config: object): Part {
  const path = join(dir, `${part}.json`);
  writeFileSync(path, JSON.stringify(config));
  const child = spawn(process.execPath, [join(home, part, 'main.ts'), path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  return { child, log: () => log, exited: new Promise((done) => child.once('exit', done)) };
}

const startController = () =>
  start('controller', {
    ...identity('controller'),
    caKey: join(pki, 'ca.key'),
    repositories: join(pki, 'repositories'),
    crds: join(home, 'crds'),
  });

/** Asks until the answer is good; then gives it. */
async function until<T>(
  what: string,
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && good(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`waited for ${what}; it is ${JSON.stringify(answer)}`);
    await sleep(20);
  }
}

const namesOf = async (type: typeof pods) =>
  (await client.collection<ApiObject>(type).list()).items.map(({ metadata }) => metadata.name);

// The controller is started first: it waits for what it needs.
let controller = startController();
const etcd = await startEtcd({ dataDir: etcdDir });
const server = start('api', api);
t.teardown(async () => {
  client.close();
  for (const part of [controller, server]) {
    part.child.kill('SIGTERM');
    await part.exited;
  }
  await etcd.stop();
});

t.test('it waits for the API, installs our kinds, furnishes the namespaces', async (t) => {
  const ours = readdirSync(join(home, 'crds'));
  const kinds = await until(
    'definitions',
    () => namesOf(customResourceDefinitions),
    (all) => all.length === ours.length,
  );
  t.ok(kinds.includes('containers.bayplan.dev'));
  await until(
    'accounts',
    () => namesOf(serviceAccounts),
    (all) => all.length === 4,
  );
  const lease = client
    .collection<Lease>(leases)
    .get({ namespace: 'kube-system', name: 'bayplan-controller' });
  t.match((await lease).spec?.holderIdentity, /controller\.json$/);
});

t.test('a Deployment and a Container become pods that are bound to a node', async (t) => {
  const node = aNode('fake');
  await client.collection<Node>(nodes).create(node);
  await client
    .collection<Node>(nodes)
    .patchStatus({ name: 'fake' }, { status: node.status }, 'merge');
  await client.collection(deployments).create(aDeployment('web', 3));
  await until(
    'the kind Container',
    () => namesOf(containers),
    () => true,
  );
  const spec = { image: 'bayplan.local/busybox:latest', restartPolicy: 'always' };
  const metadata = { name: 'hello', namespace: 'default' };
  const hello = { apiVersion: 'bayplan.dev/v1alpha1', kind: 'Container', metadata, spec };
  await client.collection(containers).create(hello);
  const bound = await until(
    'bound pods',
    async () => (await client.collection<Pod>(pods).list()).items,
    (all) => all.filter((pod) => pod.spec?.nodeName === 'fake').length === 4,
  );
  t.ok(bound.some((pod) => pod.metadata.name === 'hello'));
});

t.test('killed and started again it leads at once, and makes nothing twice', async (t) => {
  controller.child.kill('SIGKILL');
  await controller.exited;
  await client
    .collection(deployments)
    .patch({ name: 'web', namespace: 'default' }, { spec: { replicas: 5 } }, 'merge');
  controller = startController();
  await until(
    'five pods',
    () => namesOf(pods),
    (all) => all.length === 6,
  );
  t.equal((await namesOf(replicaSets)).length, 1);
});

t.test('what is deleted takes its dependents along, a namespace its content', async (t) => {
  const elsewhere = { ...aDeployment('web', 2), metadata: { name: 'web', namespace: 'temp' } };
  await client
    .collection(namespaces)
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'temp' } });
  await client.collection(deployments).create(elsewhere);
  await until(
    'seven pods',
    () => namesOf(pods),
    (all) => all.length >= 8,
  );
  await client.collection(namespaces).delete({ name: 'temp' });
  await client
    .collection(deployments)
    .delete({ name: 'web', namespace: 'default' }, { propagationPolicy: 'Foreground' });
  // There is no agent that would end the pods: an impatient user does.
  const gone = async () => {
    const { items } = await client.collection<Pod>(pods).list();
    for (const { metadata } of items.filter(({ metadata }) => metadata.deletionTimestamp)) {
      const ref = { name: metadata.name, namespace: metadata.namespace ?? '' };
      await client.collection(pods).delete(ref, { gracePeriodSeconds: 0 });
    }
    return [
      ...(await namesOf(deployments)),
      ...(await namesOf(replicaSets)),
      ...(await namesOf(namespaces)),
    ];
  };
  const left = await until('an emptied cluster', gone, (names) => names.length === 4);
  t.notOk(left.includes('temp'));
  t.strictSame(await namesOf(pods), ['hello']);
});

t.test('SIGTERM ends it cleanly and hands the lease back', async (t) => {
  controller.child.kill('SIGTERM');
  t.equal(await controller.exited, 0);
  const lease = await client
    .collection<Lease>(leases)
    .get({ namespace: 'kube-system', name: 'bayplan-controller' });
  t.equal(lease.spec?.holderIdentity ?? '', '');
  const failed = controller
    .log()
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line));
  t.ok(failed.length < 10, failed.join('\n'));
});

t.test('a configuration that is wrong is told with its fields', async (t) => {
  const wrong = start('controller', { server: 7 });
  t.not(await wrong.exited, 0);
  t.match(wrong.log(), /read the configuration .*controller\.json.*server/s);
});
