/**
 * Three nodes on one machine: pods reach a Service by its name from all, whichever node its endpoints are on; a node that
 * is cut off loses its pods to the others, and gives them up when it is back; a snapshot of one node is restored on another.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { Node, Pod } from '#api/resources/types.ts';
import { run, TestCluster, waitFor } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';
import { testContentOnNodes } from './nodes-content.ts';

const example = resolve(import.meta.dirname, '../../docs/examples/service.yaml');
t.setTimeout(240_000);
const before = machine();
const cluster = await TestCluster.create();
t.teardown(() => cluster.destroy());

async function list<T>(type: string): Promise<T[]> {
  const { stdout, stderr } = await cluster.bay('get', type, '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { items: T[] }).items;
}

async function apply(name: string, text: string): Promise<void> {
  const path = join(cluster.folder, `${name}.yaml`);
  writeFileSync(path, text);
  const { code, stderr } = await cluster.bay('apply', '-f', path);
  if (code !== 0) throw new Error(stderr);
}

/** A pod on the node that asks until it is told to stop. */
const asking = (name: string, node: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: bayplan.local/busybox:latest
      command: [sh, -c, 'while :; do wget -qO- http://hello-service; sleep 0.2; done']
`;

/** Which pods the Service was answered by. */
async function answers(name: string): Promise<Set<string>> {
  const { stdout } = await cluster.bay('logs', `pod/${name}`);
  return new Set(stdout.split('\n').filter((line) => /^hello-service-/.test(line)));
}

t.test('three nodes are ready, each with a network and addresses of its own', async (t) => {
  await cluster.up('--nodes', '3', '--apply', example);
  const nodes = await list<Node>('nodes');
  t.equal(nodes.length, 3);
  t.equal(new Set(nodes.map(({ spec }) => spec?.podCIDR)).size, 3);
  const addresses = nodes.map(({ status }) => status?.addresses?.[0]?.address);
  t.equal(new Set(addresses).size, 3);
});

t.test('a pod of any node reaches the Service by name, on both its nodes', async (t) => {
  const names = (await list<Node>('nodes')).map(({ metadata }) => metadata.name).sort();
  const clients = names.map((_, i) => `client-${i + 1}`);
  await Promise.all(clients.map((client, i) => apply(client, asking(client, names[i] ?? ''))));
  for (const client of clients) {
    const all = await waitFor(`both replicas to answer ${client}`, async () => {
      const found = await answers(client);
      return found.size === 2 ? found : undefined;
    });
    const pods = await list<Pod>('pods');
    const nodes = pods
      .filter(({ metadata }) => all.has(metadata.name))
      .map(({ spec }) => spec?.nodeName);
    t.equal(new Set(nodes).size, 2, 'the replicas are on two of the nodes');
  }
});

testContentOnNodes({ cluster, list, apply });

t.test('an agent that is killed comes back; meanwhile its node goes on', async () => {
  const before = cluster.state()?.parts['agent-2'] ?? 0;
  process.kill(before, 'SIGKILL');
  await waitFor('another agent', () => {
    const now = cluster.state()?.parts['agent-2'];
    return now !== undefined && now !== before ? true : undefined;
  });
  await cluster.bay('delete', 'pod', 'client-2');
  const [, second = ''] = (await list<Node>('nodes')).map(({ metadata }) => metadata.name).sort();
  await apply('patient', asking('patient', second));
  await waitFor('both replicas to answer', async () =>
    (await answers('patient')).size === 2 ? true : undefined,
  );
});

/** An argument that tells the processes of the pods that move from all others on the machine. */
const mark = String(70_000_000 + process.pid);

const moving = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: moving }
spec:
  replicas: 3
  selector: { matchLabels: { app: moving } }
  template:
    metadata: { labels: { app: moving } }
    spec:
      terminationGracePeriodSeconds: 1
      tolerations:
        - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1 }
        - { key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1 }
      containers:
        - { name: main, image: 'bayplan.local/busybox:latest', command: [sleep, '${mark}'] }
`;

const processes = (): number =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`sleep\0${mark}`);
    } catch {
      return false;
    }
  }).length;

/** The controllers start again with another patience: a node is lost after 30 s of silence rather than 50. */
function beImpatient(): void {
  const path = join(cluster.runDir, 'config/controller.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, nodeGraceSeconds: 30 }));
  process.kill(cluster.state()?.parts['controller'] ?? 0, 'SIGKILL');
}

const inSecond = (...command: string[]) => {
  const netns = join(cluster.runDir, 'nodes/2/network');
  return run('nsenter', [`--net=${netns}`, ...command]);
};

/** Nothing comes into the second node or leaves it. */
async function cut(): Promise<void> {
  const hooks = ['input', 'forward', 'output'].map(
    (hook) => `chain ${hook} { type filter hook ${hook} priority -300; policy drop; };`,
  );
  const { code, stderr } = await inSecond('nft', `table inet cut { ${hooks.join(' ')} }`);
  if (code !== 0) throw new Error(stderr);
}

t.test('a node that is cut off: its pods move; back again it gives them up', async (t) => {
  await apply('moving', moving);
  const names = (await list<Node>('nodes')).map(({ metadata }) => metadata.name).sort();
  const [, second = ''] = names;
  const movers = async () =>
    (await list<Pod>('pods')).filter(({ metadata }) => metadata.labels?.['app'] === 'moving');
  const ready = (pods: readonly Pod[]) =>
    pods.filter(({ status }) =>
      status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
  const placed = (pods: readonly Pod[]) => pods.map(({ spec }) => spec?.nodeName).sort();
  const before = await waitFor('a pod on each node', async () => {
    const pods = ready(await movers());
    return placed(pods).join() === names.join() ? pods : undefined;
  });
  const lost = before.find(({ spec }) => spec?.nodeName === second)?.metadata.uid;
  const patient = async () => {
    const pods = await list<Pod>('pods');
    return pods.find(({ metadata }) => metadata.name === 'patient');
  };
  const held = await patient();

  beImpatient();
  await cut();
  await waitFor('another in the place of the lost pod', async () => {
    const nodes = placed(ready(await movers()));
    return nodes.length === 3 && !nodes.includes(second) ? true : undefined;
  });
  const nodeOf = async () =>
    (await list<Node>('nodes')).find(({ metadata }) => metadata.name === second);
  const away = await nodeOf();
  const taints = away?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
  t.ok(taints.includes('node.kubernetes.io/unreachable:NoExecute'), taints.join());
  const stuck = (await movers()).find(({ metadata }) => metadata.uid === lost);
  t.ok(stuck?.metadata.deletionTimestamp, 'nobody can say that the lost pod has ended');
  t.equal(processes(), 4, 'for it runs on, where nobody can reach it');

  await inSecond('nft', 'delete', 'table', 'inet', 'cut');
  await waitFor('the node to be back, without the lost pod', async () => {
    const found = await nodeOf();
    const gone = (await movers()).every(({ metadata }) => metadata.uid !== lost);
    const clean = (found?.spec?.taints ?? []).length === 0;
    return gone && clean && processes() === 3 ? true : undefined;
  });
  const idsOf = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]?.containerID;
  const after = await patient();
  t.equal(idsOf(after), idsOf(held), 'who bears an absence for five minutes never stopped');
  t.equal(after?.status?.containerStatuses?.[0]?.restartCount, 0);
  t.equal(ready(await movers()).length, 3);
});

t.test('afterwards the machine is as it was', async (t) => {
  t.equal(await cluster.interrupt(), 0, cluster.output);
  t.strictSame(await leftOver(before), {});
});
