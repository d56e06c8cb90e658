import t from 'tap';
import { leases, nodes } from '#api/resources/resource-types.ts';
import type { Lease, Node } from '#api/resources/types.ts';
import { silent } from '#controller/runtime/log.ts';
import { decodeConfig } from '#node-agent/node/config.ts';
import { readFacts, readSignals } from '#node-agent/node/facts.ts';
import { NodeEvents } from '#node-agent/node/node-events.ts';
import { type NodeReport, nodeStatus } from '#node-agent/node/node-object.ts';
import { Registration } from '#node-agent/node/registration.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { eventually } from '../agent-rig.ts';
import { busybox } from '../fake-images.ts';

const identity = {
  nodeName: 'n1',
  address: '192.0.2.1',
  port: 10250,
  podCidr: '10.244.0.0/24',
  labels: { zone: 'a' },
  persistentVolumes: '/data/persistent-volumes',
};
const pressure = { memory: false, disk: false, pids: false };

async function registered(t: { teardown(run: () => void): void }, api: MemoryApi) {
  const facts = await readFacts('/tmp');
  const report = async (): Promise<NodeReport> => ({
    facts,
    pressure,
    images: [busybox],
    now: Date.now(),
  });
  const events = new NodeEvents(api, 'n1', silent);
  t.teardown(() => events.close());
  const registration = new Registration({ client: api, identity, report, events, log: silent });
  t.teardown(() => registration.stop());
  registration.start();
  const node = () => api.collection<Node>(nodes).get({ name: 'n1' });
  await eventually('the node', async () => (await node().catch(() => undefined)) !== undefined);
  await eventually('the lease', () => api.store.all(leases).length > 0);
  return { registration, node };
}

t.test('the node registers with all that kubectl get nodes -o wide shows', async (t) => {
  const { node } = await registered(t, memoryApi());
  const { metadata, status, spec } = await node();
  t.match(metadata.labels, {
    zone: 'a',
    'kubernetes.io/hostname': 'n1',
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': /^(amd64|arm64)$/,
  });
  t.equal(spec?.podCIDR, '10.244.0.0/24');
  t.match(status, {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.1' },
      { type: 'Hostname', address: 'n1' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    capacity: { cpu: /^\d+$/, memory: /^\d+Ki$/, pods: '110', 'ephemeral-storage': /^\d+Ki$/ },
    nodeInfo: { kubeletVersion: 'v1.36.2-bayplan', containerRuntimeVersion: 'bayplan://0.1.0' },
    images: [{ sizeBytes: 1_000_000 }],
  });
  const conditions = status?.conditions?.map(({ type, status: is }) => `${type}=${is}`);
  t.strictSame(conditions, [
    'MemoryPressure=False',
    'DiskPressure=False',
    'PIDPressure=False',
    'Ready=True',
  ]);
});

t.test('the lease is held by the node, owned by its object and renewed', async (t) => {
  const api = memoryApi();
  const { node } = await registered(t, api);
  const lease = await api
    .collection<Lease>(leases)
    .get({ namespace: 'kube-node-lease', name: 'n1' });
  t.match(lease.spec, { holderIdentity: 'n1', leaseDurationSeconds: 40, renewTime: /\.\d{6}Z$/ });
  t.equal(lease.metadata.ownerReferences?.[0]?.uid, (await node()).metadata.uid);
});

t.test('a second life takes the same node over and writes nothing that is known', async (t) => {
  const api = memoryApi();
  const first = await registered(t, api);
  const uid = (await first.node()).metadata.uid;
  first.registration.stop();
  await api
    .collection<Node>(nodes)
    .patch({ name: 'n1' }, { metadata: { labels: { mine: 'x' } } }, 'merge');
  const second = await registered(t, api);
  await eventually('the node to be known', () => second.registration.node !== undefined);
  t.match((await second.node()).metadata, { uid, labels: { mine: 'x', zone: 'a' } });
});

t.test(
  'a report that says nothing new is not written; a deleted node registers again',
  async (t) => {
    const api = memoryApi();
    const { registration, node } = await registered(t, api);
    const writes = () => api.requests.filter((line) => /^(patchStatus|create) nodes/.test(line));
    const before = writes().length;
    await registration.reportNow();
    t.equal(writes().length, before);
    const uid = (await node()).metadata.uid;
    await api.collection<Node>(nodes).delete({ name: 'n1' });
    await eventually('a new node', async () => {
      await registration.reportNow();
      const found = await node().catch(() => undefined);
      return found !== undefined && found.metadata.uid !== uid;
    });
  },
);

t.test('transition times move only when a condition changes', async (t) => {
  const facts = await readFacts('/tmp');
  const at = (now: number, memory: boolean, before?: Node['status']) =>
    nodeStatus(identity, { facts, pressure: { ...pressure, memory }, images: [], now }, before);
  const first = at(1_000_000, false);
  const second = at(2_000_000, true, first);
  const of = (status: NonNullable<Node['status']>, type: string) =>
    status.conditions?.find((one) => one.type === type);
  t.match(of(second, 'MemoryPressure'), {
    status: 'True',
    lastTransitionTime: '1970-01-01T00:33:20Z',
  });
  t.match(of(second, 'Ready'), {
    lastHeartbeatTime: '1970-01-01T00:33:20Z',
    lastTransitionTime: '1970-01-01T00:16:40Z',
  });
});

t.test('what the machine has left can be read', async (t) => {
  const { memory, disk, inodes, pids } = await readSignals('/tmp');
  for (const { available, capacity } of [memory, disk, inodes, pids]) {
    t.ok(available >= 0 && available <= capacity, `${available} of ${capacity}`);
  }
  t.ok(memory.available > 0);
});

t.test('a wrong configuration is refused with every wrong field', async (t) => {
  t.throws(() => decodeConfig('a.json', { nodeName: 5 }), {
    message: /a\.json is wrong: nodeName: 5; clusterName: missing/,
  });
});
