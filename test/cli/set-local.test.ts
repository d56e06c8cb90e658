/** `bay set --local`, which asks no server, and `set env --list` and `--resolve`, beside the real kubectl. */
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const folder = scratch('set-local')();

const field = (fieldPath: string) => ({ fieldRef: { fieldPath } });
const amount = (resource: string, divisor?: string, containerName?: string) => ({
  resourceFieldRef: { resource, divisor, containerName },
});
const env = Object.entries({
  NAME: field('metadata.name'),
  SPACE: field('metadata.namespace'),
  LABELS: field('metadata.labels'),
  ONE: field("metadata.labels['app']"),
  NONE: field("metadata.annotations['gone']"),
  NODE: field('spec.nodeName'),
  CPU: amount('limits.cpu', '1m'),
  CPUS: amount('limits.cpu'),
  MEMORY: amount('limits.memory', '1Mi'),
  ASKED: amount('requests.memory'),
  NOTHING: amount('requests.cpu'),
  KEY: { configMapKeyRef: { name: 'settings', key: 'a' } },
  NO_KEY: { configMapKeyRef: { name: 'settings', key: 'z' } },
  SECRET: { secretKeyRef: { name: 'keys', key: 'password' } },
  GONE: { secretKeyRef: { name: 'gone', key: 'a' } },
}).map(([name, valueFrom]) => ({ name, valueFrom }));
const resources = { limits: { cpu: '1500m', memory: '64Mi' }, requests: { memory: '32Mi' } };

const refs = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'refs', labels: { app: 'x', 'b.c/d': 'y' } },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: {
      metadata: { labels: { a: 'b' } },
      spec: {
        containers: [
          { name: 'a', image: 'x:1', env, resources },
          { name: 'b', image: 'x:1' },
        ],
      },
    },
  },
};
const plain = `apiVersion: apps/v1
kind: Deployment
metadata: {name: loc}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      initContainers: [{name: i, image: "x:1"}]
      containers: [{name: a, image: "x:1", env: [{name: A, value: "0"}]}]
`;
const service = `apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {x: "1"}, ports: [{port: 80}]}
`;
for (const [name, text] of Object.entries({ refs: JSON.stringify(refs), plain, service })) {
  writeFileSync(`${folder}/${name}.yaml`, text);
}
await bay('create', 'configmap', 'settings', '--from-literal=a=one');
await bay('create', 'secret', 'generic', 'keys', '--from-literal=password=hush');
await bay('create', '-f', `${folder}/refs.yaml`);
await bay('create', 'deployment', 'web', '--image=one:1,two:1');

const spec = 'jsonpath={.spec.template.spec.containers[0]';
const lines = [
  'image -f plain a=x:2 --local',
  'image -f plain *=x:2 --local -o jsonpath={.spec..image}',
  'image -f plain a=x:2 --local --dry-run=client',
  'image -f plain a=x:1 --local',
  'env -f plain A=1 B=2 --local',
  `env -f plain A=1 B=2 --local -o ${spec}.env[*].value}`,
  `env -f plain A- --local -o ${spec}.env}`,
  'env -f plain --local --list',
  `resources -f plain --limits=cpu=1 --local -o ${spec}.resources.limits.cpu}`,
  'serviceaccount -f plain me --local -o jsonpath={.spec.template.spec.serviceAccountName}',
  'selector -f service a=b --local -o jsonpath={.spec.selector}',
  'selector -f service a=b --local',
  'env -f refs --local --list --resolve',
  'env deploy/refs --list',
  'env deploy/refs --list --resolve',
  'env deploy/web --list A=2',
  'env deploy/web A=2',
  'env deploy/web A=3 B=1 --list -c two',
  'env deploy/web A- --list',
  'env deploy/web',
  'env deploy --all',
  'env deploy/web 1A-',
];

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const line of lines) {
    const words = line
      .split(' ')
      .map((word, i, all) => (all[i - 1] === '-f' ? `${folder}/${word}.yaml` : word));
    const theirs = await kubectl(['set', ...words]);
    // Both begin with the same document.
    if (line === 'env deploy/web A=2') await bay('set', 'env', 'deploy/web', 'A-');
    const ours = await bay('set', ...words);
    t.equal(ours.stdout, theirs.stdout, `${line}: ${ours.stderr} ${theirs.stderr}`);
    t.equal(ours.code, theirs.code, line);
    const failures = (text: string) => text.match(/^error retrieving reference for \w+/gm);
    t.strictSame(failures(ours.stderr), failures(theirs.stderr), line);
  }
});

t.test('--local needs no server', async (t) => {
  const alone = bayFor(`${folder}/no-such-kubeconfig`);
  const out = await alone('set', 'image', '-f', `${folder}/plain.yaml`, 'a=x:2', '--local');
  t.match(out, { code: 0, stdout: 'deployment.apps/loc image updated\n', stderr: '' });
  const listed = await alone('set', 'env', '-f', `${folder}/plain.yaml`, '--local', '--list');
  t.match(listed, { code: 0, stdout: /\nA=0\n/ });
});

t.test('a divisor is of the container that the reference names', async (t) => {
  const named = structuredClone(refs) as { spec: { template: { spec: { containers: object[] } } } };
  named.spec.template.spec.containers = [
    { name: 'a', resources, env: [{ name: 'OF_B', valueFrom: amount('limits.cpu', '1m', 'b') }] },
    { name: 'b', resources: { limits: { cpu: '7m' } } },
  ];
  writeFileSync(`${folder}/named.yaml`, JSON.stringify(named));
  const words = ['set', 'env', '-f', `${folder}/named.yaml`, '--local', '--list', '--resolve'];
  t.match((await bay(...words)).stdout, /\nOF_B=7\n/);
});

t.test('what is wrong is told', async (t) => {
  const file = `${folder}/plain.yaml`;
  const cases: [string[], number, RegExp][] = [
    [['image', 'deploy/web', 'a=b', '--local'], 2, /must specify resources by --filename/],
    [
      ['image', '-f', file, 'a=b', '--local', '--dry-run=server'],
      2,
      /did you mean --dry-run=client/,
    ],
    [['image', '-f', file, 'none=b', '--local'], 1, /unable to find container named "none"/],
    [['selector', '-f', file, 'a=b', '--local'], 1, /only supported for Services/],
    [['env', 'deploy/web', '1A=1'], 2, /"1A" is not a valid key name: .* start with a digit/],
    [['env', 'deploy/web', 'a b=1'], 2, /"a b" is not a valid key name/],
    [['env', 'deploy/web', '..a=1'], 2, /"..a" is not a valid key name: must not/],
    [['env', 'deploy/web', '-e', 'A:B=1'], 2, /"A:B" is not a valid key name/],
    [['env', 'deploy/web', 'A=1', '--list', '-o', 'yaml'], 2, /--list and --output may not/],
  ];
  for (const [words, code, message] of cases) {
    t.match(await bay('set', ...words), { code, stdout: '', stderr: message }, words.join(' '));
  }
});
