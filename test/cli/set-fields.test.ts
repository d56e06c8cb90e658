/** `bay set env`, `resources`, `serviceaccount` and `selector` say and do what the real kubectl says and does. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);

await bay('create', 'namespace', 'theirs');
for (const namespace of ['default', 'theirs']) {
  const there = ['-n', namespace];
  await bay('create', 'deployment', 'web', '--image=one:1,two:1', ...there);
  await bay('create', 'deployment', 'other', '--image=one:1', ...there);
  await bay('create', 'cronjob', 'each', '--image=a', '--schedule=* * * * *', ...there);
  await bay('create', 'service', 'clusterip', 'front', '--tcp=80', ...there);
  await bay(
    'create',
    'configmap',
    'settings',
    '--from-literal=a-b=1',
    '--from-literal=c=2',
    ...there,
  );
  await bay('create', 'secret', 'generic', 'keys', '--from-literal=password=hush', ...there);
  const resourceFieldRef = { containerName: 'two', resource: 'limits.cpu' };
  const env = [{ name: 'CPU', valueFrom: { resourceFieldRef } }];
  const spec = { template: { spec: { containers: [{ name: 'one', env }] } } };
  await bay('patch', 'deploy/web', '-p', JSON.stringify({ spec }), ...there);
}

/** What may differ in the documents of a namespace: specs alone. */
async function specs(namespace: string): Promise<unknown> {
  const paths = ['apps/v1', 'batch/v1'].map((group) => `/apis/${group}/namespaces/${namespace}`);
  const lists = [`${paths[0]}/deployments`, `${paths[1]}/cronjobs`];
  lists.push(`/api/v1/namespaces/${namespace}/services`);
  const found = await Promise.all(lists.map((path) => client.request('GET', path)));
  return found.flatMap((list) =>
    (list as { items: { metadata: { name: string }; spec: object }[] }).items
      .filter(({ metadata }) => metadata.name !== 'kubernetes')
      .map(({ spec }) => ({ ...spec, clusterIP: '', clusterIPs: [] })),
  );
}

const same: string[][] = [
  ['env', 'deployment/web', 'A=1', 'B=two words'],
  ['env', 'deployment/web', 'A=1'],
  ['env', 'deploy', 'web', 'A=3', 'C=', '-c', 'tw*', '-o', 'name'],
  ['env', 'deploy/web', 'B-', '-e', 'D=4'],
  ['env', 'deploy/web', 'A=9', '--overwrite=false'],
  ['env', 'deploy,cj', '--all', 'EVERY=where', '--dry-run=server'],
  ['env', 'deploy,cj', '--all', 'EVERY=where'],
  ['env', 'deploy/other', '--from=configmap/settings', '--keys=a-b', '--prefix=P_'],
  ['env', 'deploy/other', '--from=secret/keys', '--keys=password'],
  ['env', 'deploy/web', '--list'],
  ['env', 'deploy/other', '--list'],
  ['env', 'deploy/other', '--list', '--resolve'],
  ['env', 'cj/each', '--list', '-c', 'each'],
  ['resources', 'deploy/web', '--limits=cpu=200m,memory=512Mi', '--requests=cpu=100m'],
  ['resources', 'deploy/web', '--limits=cpu=200m'],
  ['resources', 'deploy', 'web', '-c=one', '--requests=memory=1Gi,cpu=50m', '--limits=memory=1Gi'],
  ['resources', 'deploy/web', '-c=none', '--limits=cpu=1'],
  ['serviceaccount', 'deploy', 'web', 'robot'],
  ['serviceaccount', 'deploy', 'web', 'robot'],
  ['sa', 'deploy/other', 'robot', '-o', 'name'],
  ['selector', 'service', 'front', 'app=web,tier=front'],
  ['selector', 'svc/front', 'app==other'],
  ['selector', 'svc/front', 'app=other'],
];

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of same) {
    const theirs = await kubectl(['set', ...words, '-n', 'theirs']);
    const ours = await bay('set', ...words);
    const line = words.join(' ');
    t.equal(ours.stdout, theirs.stdout, `${line}: ${ours.stderr} ${theirs.stderr}`);
    t.equal(ours.code, theirs.code, `${line}: ${ours.stderr} ${theirs.stderr}`);
    t.strictSame(await specs('default'), await specs('theirs'), line);
  }
  t.match(JSON.stringify(await specs('default')), /"value":"where".*"robot".*"app":"other"/);
});

t.test('what is wrong is told, and nothing is changed', async (t) => {
  const before = await specs('default');
  const cases: [string[], number, RegExp][] = [
    [['env', 'deploy/web', 'A=1', 'A-'], 2, /can't both set and remove .*'A'/],
    [['env', 'deploy/web', '=1'], 2, /"" is not a valid key name/],
    [
      ['env', 'deploy/web', '--from=pod/a'],
      2,
      /unsupported resource specified in --from: 'pod\/a'/,
    ],
    [['env', 'deploy/web', '--from=cm/none'], 1, /configmaps "none" not found/],
    [['env', 'deploy/web', '--from=cm/settings', '--keys=z'], 1, /has no key 'z'/],
    [['env', 'svc/front', 'A=1'], 1, /Service front has no containers/],
    [['env', 'deploy/web', 'A=1', '-c', 'none'], 0, /does not have any containers matching "none"/],
    [['resources', 'deploy/web'], 2, /must specify an update to requests or limits/],
    [['resources', 'deploy/web', '--limits=cpu'], 2, /--limits 'cpu': write NAME=AMOUNT/],
    [['resources', 'deploy/web', '--limits=cpu=lots'], 2, /'lots' is no amount/],
    [['resources', 'deploy/web', '--requests=cpu=5'], 1, /must be less than or equal to cpu limit/],
    [['serviceaccount', 'deploy/web'], 2, /serviceaccount is required/],
    [['selector', 'svc/front'], 2, /one selector is required/],
    [['selector', 'svc/front', 'app!=a'], 2, /a Service knows KEY=VALUE alone/],
    [['selector', 'deploy/web', 'app=a'], 1, /only supported for Services/],
    [['selector', 'svc/front', 'app=b', '--resource-version=1'], 1, /the object has been modified/],
  ];
  for (const [words, code, message] of cases) {
    t.match(await bay('set', ...words), { code, stderr: message }, words.join(' '));
  }
  t.strictSame(await specs('default'), before);
});
