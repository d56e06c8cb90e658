/** `bay cordon`, `uncordon`, `drain` and `taint` beside the real kubectl, each on the same two nodes and three pods. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases, type Outcome } from '../support/kubectl.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'u', controller: true };
const emptyDir = { volumes: [{ name: 'v', emptyDir: {} }] };
const pods: [string, object, object][] = [
  ['bare', {}, {}],
  ['owned', { ownerReferences: [owner] }, {}],
  ['dir', { ownerReferences: [owner] }, emptyDir],
];

/** Nodes a and b as new, and the pods on a. */
async function reset(): Promise<void> {
  const remove = (path: string) => client.request('DELETE', path).catch(() => undefined);
  for (const name of ['a', 'b']) {
    await remove(`/api/v1/nodes/${name}`);
    await client.request('POST', '/api/v1/nodes', { metadata: { name, labels: { role: 'x' } } });
  }
  for (const [name, metadata, spec] of pods) {
    await remove(`/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`);
    await client.request('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name, ...metadata },
      spec: { nodeName: 'a', containers: [{ name: 'c', image: 'i' }], ...spec },
    });
  }
}

async function outcomes(
  lines: readonly string[],
  tool: (words: readonly string[]) => Promise<Outcome>,
): Promise<Outcome[]> {
  await reset();
  const all: Outcome[] = [];
  for (const line of lines) all.push(await tool(line.split(' ')));
  return all;
}

const all = '--force --delete-emptydir-data --grace-period=0';
/** Each group begins with new nodes. */
const groups: readonly (readonly string[])[] = [
  [
    'cordon a',
    'cordon a',
    'cordon a b',
    'uncordon a',
    'uncordon a',
    'uncordon a --dry-run=client',
    'cordon a --dry-run=client',
    'cordon b --dry-run=server',
  ],
  [
    'cordon a nosuch b',
    'cordon -l role=x',
    'cordon -l role=none',
    'uncordon -l role=x --dry-run=server',
    'uncordon node/a b',
  ],
  [
    'taint nodes a k=v:NoSchedule',
    'taint nodes a k=v:NoSchedule',
    'taint nodes a k=w:NoSchedule',
    'taint nodes a k=w:NoSchedule --overwrite',
    'taint nodes a k=w:NoSchedule --overwrite',
    'taint nodes a k:NoSchedule-',
    'taint nodes a k:NoSchedule-',
    'taint nodes -l role=x k=v:NoExecute',
    'taint nodes -l role=none k=v:NoExecute',
    'taint nodes --all x- k- y=1:NoExecute',
    'taint nodes a nosuch b q=v:NoSchedule',
    'taint nodes a r=v:NoSchedule -o name',
    'taint nodes a s=v:NoSchedule -o jsonpath={.spec.taints[0].key}',
  ],
  ['drain a', 'drain a --force', `drain a ${all} --dry-run=client`],
  [`drain a ${all} --dry-run=server`],
  [`drain a b ${all}`, 'drain b', `drain a ${all}`],
  [`drain b a ${all} --disable-eviction`],
  ['drain b nosuch', 'drain -l role=x', 'drain -l role=none', 'drain a --pod-selector=no=ne'],
];

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  // Pods leave side by side: their lines have no order. What is told of the nodes has one.
  const ofNodes = ({ stdout }: Outcome) => stdout.split('\n').filter((line) => !/pod/.test(line));
  const lines = ({ stdout }: Outcome) => stdout.split('\n').toSorted();
  for (const group of groups) {
    const theirs = await outcomes(group, kubectl);
    const ours = await outcomes(group, (words) => bay(...words));
    for (const [index, line] of group.entries()) {
      const [their, our] = [theirs[index] as Outcome, ours[index] as Outcome];
      t.strictSame(lines(our), lines(their), `${line}: ${our.stderr} ${their.stderr}`);
      t.strictSame(ofNodes(our), ofNodes(their), line);
      t.equal(our.code, their.code, line);
    }
  }
});

t.test('a node that cannot be drained is told in kubectl’s frame', async (t) => {
  await reset();
  const { code, stdout, stderr } = await bay('drain', 'a', 'b');
  t.equal(code, 1);
  t.equal(stdout, 'node/a cordoned\nnode/b cordoned\nnode/b drained\n');
  const bare =
    'cannot delete Pods that declare no controller (use --force to override): default/bare';
  const dir =
    'cannot delete Pods with local storage (use --delete-emptydir-data to override): default/dir';
  t.equal(
    stderr,
    `bay: unable to drain node "a" due to error: [${bare}, ${dir}], continuing command...\n` +
      `There are pending nodes to be drained:\n a\n${bare}\n${dir}\n`,
  );
});

t.test('taints that contradict each other are refused before a node is asked', async (t) => {
  const cases: [string[], RegExp][] = [
    [['a', 'k=v:NoSchedule', 'k=w:NoSchedule'], /duplicated taints .*: k:NoSchedule/],
    [['a', 'k=v:NoSchedule', 'k:NoSchedule-'], /can not both modify and remove .*: k:NoSchedule/],
    [['a', 'k=v:NoSchedule', 'k-'], /can not both modify and remove .*: k:NoSchedule/],
    [['--all', '-l', 'role=x', 'k=v:NoSchedule'], /'all' parameter with a non empty selector/],
  ];
  for (const [words, message] of cases) {
    t.match(await bay('taint', 'nodes', ...words), { code: 2, stdout: '', stderr: message });
  }
  const lost = await bay('taint', 'nodes', 'a', 'k:NoExecute-', 'z-');
  t.match(lost, { code: 1, stderr: /node\/a: taint "k:NoExecute", "z" not found/ });
  const both = await bay('cordon', '-l', 'role=x', 'a');
  t.match(both, { code: 2, stderr: /cannot specify both a node name and a --selector/ });
});

t.test('a dry run of a taint says that it is one, and changes nothing', async (t) => {
  await reset();
  const before = await client.request('GET', '/api/v1/nodes/a');
  for (const how of ['client', 'server']) {
    const { code, stdout } = await bay('taint', 'nodes', 'a', 'k=v:NoExecute', `--dry-run=${how}`);
    t.equal(code, 0);
    t.match(stdout, how === 'client' ? 'node/a tainted (dry run)' : 'tainted (server dry run)');
  }
  t.strictSame(await client.request('GET', '/api/v1/nodes/a'), before);
});
