/** Commands about the server, its nodes and what happened say and do what the real kubectl says and does. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { drainPlan } from '#cli/nodes/drain-plan.ts';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { makeDescribed } from '../support/described-objects.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
await makeDescribed(client);
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const nodePath = '/api/v1/nodes/n1';
const node = async () => (await client.request('GET', nodePath)) as KubeObject;

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['api-resources'],
    ['api-resources', '-o', 'wide', '--namespaced=false'],
    ['api-resources', '--api-group=apps', '--no-headers', '--sort-by=kind'],
    ['api-resources', '-o', 'name', '--verbs=list,patch'],
    ['api-versions'],
    ['events'],
    ['events', '--for', 'pod/full', '--types=Warning', '-A'],
    ['events', '--for=pod/absent'],
    ['explain', 'deploy'],
    ['explain', 'pod.spec'],
    ['explain', 'pod.spec.containers.env'],
    ['explain', 'pod.spec.restartPolicy'],
    ['explain', 'deployments.apps.spec.strategy'],
    ['explain', 'pod.spec.nodeSelector'],
    ['explain', 'cm', '--recursive'],
    ['explain', 'crd.spec', '--recursive'],
    ['auth', 'whoami'],
    ['auth', 'can-i', 'create', 'pods'],
    ['auth', 'can-i', 'get', '/healthz'],
    ['auth', 'can-i', 'list', 'deployments.apps', '-A', '-q'],
    ['config', 'view'],
    ['config', 'view', '--minify', '-o', 'jsonpath={.contexts[0].name}'],
    ['config', 'current-context'],
    ['config', 'get-contexts'],
    ['config', 'get-contexts', '-o', 'name'],
    ['config', 'get-clusters'],
    ['config', 'get-users'],
    ['wait', '--for=condition=Ready', 'pod/absent'],
    ['wait', '--for=jsonpath={.status.phase}=Running', 'pod', 'absent'],
    ['wait', '--for=condition=Ready', 'pods', '-l', 'nobody=has'],
    ['wait', '--for=delete', 'pod/absent'],
    ['wait', '--for=delete', 'pods', '-l', 'nobody=has'],
    ['wait', '--for=create', 'pod/full'],
    ['wait', '--for=jsonpath={.metadata.name}=full', 'pod/full'],
    ['taint', 'nodes', 'n1', 'x=y:NoSchedule', 'z:NoExecute'],
    ['taint', 'node', 'n1', 'x=z:NoSchedule', '--overwrite'],
    ['taint', 'nodes', '--all', 'x-', 'z:NoExecute-'],
    ['cordon', 'n1'],
    ['cordon', 'n1'],
    ['uncordon', 'n1', '--dry-run=client'],
    ['uncordon', 'n1'],
    ['drain', 'n1', '--dry-run=client', '--force', '--delete-emptydir-data'],
  ]) {
    const { spec } = await node();
    const theirs = await kubectl(words);
    // Both begin with the same node.
    if (/taint|cordon/.test(words[0] ?? '')) {
      await client.request('PUT', nodePath, { ...(await node()), spec });
    }
    const ours = await bay(...words);
    t.strictSame(ours.stdout.split('\n'), theirs.stdout.split('\n'), words.join(' '));
    t.equal(ours.code, theirs.code, `${words.join(' ')}: ${ours.stderr} ${theirs.stderr}`);
  }
});

t.test('use-context changes that one line of the file, comments stay', async (t) => {
  const path = join(scratch('use-context')(), 'kubeconfig');
  const text = `# mine
apiVersion: v1
kind: Config
current-context: one
contexts:
  - name: one # the first
    context:
      cluster: c
  - name: two
    context:
      cluster: c
clusters: []
users: []
`;
  writeFileSync(path, text, { mode: 0o600 });
  const used = await bayFor(path)('config', 'use-context', 'two');
  t.match(used, { code: 0, stdout: 'Switched to context "two".\n' });
  t.equal(readFileSync(path, 'utf8'), text.replace('current-context: one', 'current-context: two'));
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.strictSame(readdirSync(dirname(path)), ['kubeconfig']);
});

t.test('what a drain moves, leaves, and what keeps it from beginning', async (t) => {
  const pod = (name: string, more: object = {}, owner?: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'd',
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: owner, name: 'o', uid: 'u', controller: true },
            ],
          }),
    },
    ...more,
  });
  const pods = [
    pod('owned', {}, 'ReplicaSet'),
    pod('daemon', {}, 'DaemonSet'),
    pod('alone'),
    pod('data', { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }, 'ReplicaSet'),
    pod('over', { status: { phase: 'Succeeded' } }),
  ];
  const names = (all: readonly KubeObject[]) => all.map(({ metadata }) => metadata.name);
  const no = drainPlan(pods, { force: false, ignoreDaemonSets: false, deleteEmptyDirData: false });
  t.strictSame(no.errors, [
    'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): d/daemon',
    'cannot delete Pods that declare no controller (use --force to override): d/alone',
    'cannot delete Pods with local storage (use --delete-emptydir-data to override): d/data',
  ]);
  const all = drainPlan(pods, { force: true, ignoreDaemonSets: true, deleteEmptyDirData: true });
  t.strictSame(all.errors, []);
  t.strictSame(names(all.evict), ['owned', 'alone', 'data', 'over']);
});

t.test('what is wrong is told', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['cordon'], 2, /name the nodes/],
    [['cordon', 'absent'], 1, /nodes "absent" not found/],
    [['drain', 'n1'], 1, /unable to drain node "n1" due to error: cannot delete/],
    [
      ['taint', 'nodes', 'n1', 'gpu=other:NoSchedule'],
      1,
      /already has gpu taint\(s\) with same effect\(s\)/,
    ],
    [['taint', 'nodes', 'n1', 'absent-'], 1, /taint "absent" not found/],
    [['taint', 'nodes', 'n1', 'a=b:Odd'], 2, /invalid taint effect: Odd/],
    [['taint', 'nodes', 'n1', 'a=b'], 2, /invalid taint spec: a=b/],
    [['taint', 'pods', 'n1', 'a=b:NoSchedule'], 2, /only nodes have taints/],
    [['explain', 'pod.spec.absent'], 1, /field "absent" does not exist/],
    [['explain', 'absent'], 2, /doesn't have a resource type "absent"/],
    [['events', '--types=odd'], 2, /Normal or Warning/],
    [['auth', 'can-i', 'get'], 2, /two arguments/],
    [['auth', 'odd'], 2, /bay auth can-i/],
    [['config', 'odd'], 2, /bay config view/],
    [['config', 'use-context'], 2, /say which/],
    [['config', 'use-context', 'absent'], 1, /no context exists with the name: "absent"/],
    [['config', 'get-contexts', 'absent'], 1, /context absent not found/],
    [['wait', '--for=condition=Ready', 'pod/absent'], 1, /pods "absent" not found/],
    [['wait', '--for=condition=Ready', 'pods', '-l', 'a=b'], 1, /no matching resources found/],
    [['api-resources', '--sort-by=odd'], 2, /name or kind/],
    [['port-forward', 'pod/full'], 2, /list of ports are required/],
    [['port-forward', 'pod/full', 'a:b:c'], 2, /invalid port format 'a:b:c'/],
    [['port-forward', 'svc/web', '0:9'], 1, /has no pods|does not have a service port/],
    [['top', 'pods', '--sort-by=odd'], 2, /cpu or memory/],
  ];
  for (const [words, code, stderr] of cases) {
    const found = await bay(...words);
    t.match(found, { code, stderr }, words.join(' '));
    t.notMatch(found.stderr, /\n {4}at /, 'no stack trace');
  }
});
