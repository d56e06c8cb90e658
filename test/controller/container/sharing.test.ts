/** Containers that share namespaces of others: when their Pods are made, where, and when they are made anew. */
import t from 'tap';
import { containers, nodes, pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { containerController } from '#controller/container/controller.ts';
import { contradiction, sharing } from '#controller/container/sharing.ts';
import type { Container, ContainerSpec } from '#controller/container/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';

const document = (name: string, spec: Partial<ContainerSpec> = {}): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  spec: { image: 'busybox', ...spec },
});

const settings = (pod: Pod | undefined) =>
  JSON.parse(pod?.metadata.annotations?.['bayplan.dev/settings'] ?? '{}');

async function setUp(...documents: Container[]) {
  const run = running(containerController, schedulerController);
  for (const name of ['a', 'b', 'c']) run.api.seed(nodes, aNode(name));
  run.start();
  const collection = run.api.collection<Container>(containers);
  for (const one of documents) await collection.create(one);
  const rest = async () => {
    for (let round = 0; round < 6; round += 1) {
      await run.settle();
      playAgent(run.api, run.clock);
    }
    await run.settle();
  };
  const at = (name: string) => ({ name, namespace: 'default' });
  const pod = (name: string) => run.api.store.find(pods, at(name)) as Pod | undefined;
  const synced = async (name: string) =>
    (await collection.get(at(name))).status?.conditions?.find(({ type }) => type === 'Synced');
  await rest();
  return { ...run, collection, rest, pod, synced, at };
}

t.test('it runs when the other runs, on the same node, with its name', async (t) => {
  const shares = { network: 'container:db', ipc: 'container:db', pid: 'container:db' } as const;
  const { collection, rest, pod, synced } = await setUp(document('tool', shares));
  t.equal(pod('tool'), undefined);
  t.match(await synced('tool'), {
    status: 'False',
    reason: 'WaitsForContainer',
    message: 'spec.network: there is no container db here',
  });
  await collection.create(document('db', { hostname: 'data' }));
  await rest();
  const [db, tool] = [pod('db'), pod('tool')];
  t.equal(tool?.spec?.nodeName, db?.spec?.nodeName);
  t.equal(tool?.spec?.hostname, 'data');
  const uid = db?.metadata.uid;
  t.strictSame(settings(tool).joined, { network: uid, ipc: uid, pid: uid });
  t.match(await synced('tool'), { status: 'True' });
});

t.test('one that is stopped is waited for; when it runs anew, so do its sharers', async (t) => {
  const all = await setUp(document('db'), document('tool', { network: 'container:db' }));
  const { collection, rest, pod, synced, at } = all;
  const first = pod('tool')?.metadata.uid;
  t.ok(first);
  const stop = async (state: ContainerSpec['state']) => {
    const now = await collection.get(at('db'));
    await collection.update({ ...now, spec: { ...now.spec, ...(state && { state }) } });
    await rest();
  };
  await stop('Stopped');
  t.equal(pod('tool')?.metadata.uid, first, 'it goes on while the other does not run');
  await stop('Running');
  const [db, tool] = [pod('db'), pod('tool')];
  t.not(tool?.metadata.uid, first);
  t.strictSame(settings(tool).joined, { network: db?.metadata.uid });
  t.match(await synced('tool'), { status: 'True' });
});

t.test('what its Pod came to while it was replaced is not its end', async (t) => {
  const document_ = document('tool', { pid: 'container:db', restartPolicy: 'always' });
  const { api, collection, rest, pod, at, settle } = await setUp(document('db'), document_);
  const before = pod('tool');
  // The other's namespace is gone, and with it the process; the node says so of the Pod that it takes down.
  const store = api.store;
  const failed = {
    phase: 'Failed',
    containerStatuses: [{ name: 'main', state: { terminated: {} } }],
  };
  const db = pod('db') as Pod;
  const again = { ...db, metadata: { ...db.metadata, uid: 'again' } };
  store.put(pods, again);
  await settle();
  const leaving = pod('tool');
  if (leaving?.metadata.uid === before?.metadata.uid) {
    store.put(pods, { ...leaving, status: { ...leaving?.status, ...failed } } as Pod);
  }
  await rest();
  t.not(pod('tool')?.metadata.uid, before?.metadata.uid);
  t.strictSame(settings(pod('tool')).joined, { pid: 'again' });
  t.equal((await collection.get(at('tool'))).status?.endedSpecHash, undefined);
});

t.test('what contradicts the other’s network makes no Pod', async (t) => {
  const { pod, synced } = await setUp(
    document('db'),
    document('tool', { network: 'container:db', ports: [{ containerPort: 1 }] }),
    document('self', { pid: 'container:self' }),
  );
  t.equal(pod('tool'), undefined);
  t.match(await synced('tool'), { reason: 'InvalidSettings', message: /^spec\.ports: .*db/ });
  t.match(await synced('self'), { reason: 'InvalidSettings', message: /^spec\.pid: .*its own/ });
});

t.test('contradictions, one by one', async (t) => {
  for (const field of ['hostname', 'ports', 'dns', 'extraHosts'] as const) {
    const spec = { network: 'container:x', [field]: [] } as Partial<ContainerSpec>;
    t.match(contradiction(document('c', spec)), `spec.${field}`);
    t.equal(contradiction(document('c', { ...spec, network: 'host' })), undefined);
  }
  t.equal(contradiction(document('c', { ipc: 'container:x', hostname: 'h' })), undefined);
});

const podOn = (name: string, nodeName: string, spec: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, uid: `pod-${name}` },
  spec: { containers: [], nodeName, ...spec },
  status: { containerStatuses: [{ name: 'main', state: { running: {} } }] } as never,
});

t.test('two others are on one node; host namespaces come with whose they are', async (t) => {
  const all: Record<string, Pod> = {
    one: podOn('one', 'n1', { hostNetwork: true, hostIPC: true }),
    two: podOn('two', 'n2'),
    three: podOn('three', 'n1', { hostPID: true }),
  };
  const peerOf = (name: string) => ({ container: document(name), pod: all[name] });
  const of = (spec: Partial<ContainerSpec>) => sharing(document('c', spec), peerOf);
  t.match(
    of({ network: 'container:one', pid: 'container:two' }),
    /container two runs on another node than one/,
  );
  t.match(of({ network: 'container:one', pid: 'container:three' }), {
    node: 'n1',
    joined: { network: 'pod-one', pid: 'pod-three' },
    fields: { hostNetwork: true, hostPID: true, hostname: 'one' },
  });
  t.strictSame(Object.keys((of({ ipc: 'container:one' }) as { fields: object }).fields), [
    'hostIPC',
  ]);
  t.equal(of({ network: 'none' }), undefined);
});
