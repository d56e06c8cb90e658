/** `bay create KIND` makes what is asked for, and refuses in the words of the real kubectl. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { credentials } from '#api/client/credentials.ts';
import { isObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const kubectl = kubectlFor(server.kubeconfig, newest?.program);
t.teardown(() => kubectl.close());
const needsKubectl = { skip: newest === undefined && 'needs kubectl' };

const folder = scratch('create')();
const file = (name: string, content: string | Buffer) => {
  writeFileSync(`${folder}/${name}`, content);
  return `${folder}/${name}`;
};
mkdirSync(`${folder}/many/deeper`, { recursive: true });
const text = file('many/text.txt', 'größe\n');
const variables = file('variables', 'A=1\n');
const badVariables = file('bad-variables', '1st=x\n');
const own = credentials({ kubeconfig: server.kubeconfig });
const key = file('tls.key', own.key ?? '');
const other = file('ca.crt', own.ca ?? '');

const refused: readonly (readonly string[])[] = [
  ['namespace'],
  ['configmap', 'x', 'y'],
  ['configmap', 'x', '--from-literal=ab'],
  ['configmap', 'x', '--from-literal==b'],
  ['configmap', 'x', '--from-literal=a=b', '--from-literal=a=c'],
  ['configmap', 'x', '--from-literal=a b=c'],
  ['configmap', 'x', '--from-file=/none/such'],
  ['configmap', 'x', `--from-file=q=${folder}/many`],
  ['configmap', 'x', '--from-file==a'],
  ['configmap', 'x', '--from-file=a='],
  ['configmap', 'x', `--from-env-file=${variables}`, '--from-literal=a=b'],
  ['configmap', 'x', `--from-env-file=${badVariables}`],
  ['secret', 'generic', 'x', '--from-literal=a b=c'],
  ['secret', 'generic', 'x', '--from-literal=a=b', '--from-literal=a=b'],
  ['secret', 'tls', 'x'],
  ['secret', 'tls', 'x', `--cert=${text}`, `--key=${key}`],
  ['secret', 'tls', 'x', `--cert=${other}`, `--key=${key}`],
  ['secret', 'tls', 'x', '--cert=/none/such', `--key=${key}`],
  ['secret', 'docker-registry', 'x', '--docker-username=u'],
  ['deployment', '--image=a'],
  ['deployment', 'x', '--image=a,b', '--', 'sh'],
  ['job', 'x'],
  ['job', 'x', '--image=a', '--from=cronjob/x'],
  ['service', 'clusterip', 'x'],
  ['service', 'clusterip', 'x', '--tcp=80:99999'],
  ['service', 'clusterip', 'x', '--tcp=80:Bad_'],
  ['service', 'externalname', 'x', '--external-name=a b'],
  ['role', 'x', '--resource=pods'],
  ['role', 'x', '--verb=get'],
  ['rolebinding', 'x'],
  ['rolebinding', 'x', '--role=a', '--clusterrole=b'],
  ['rolebinding', 'x', '--role=a', '--serviceaccount=q'],
  ['clusterrole', 'x'],
  ['clusterrole', 'x', '--verb=get'],
  ['clusterrole', 'x', '--verb=foo', '--non-resource-url=/a'],
  ['clusterrole', 'x', '--verb=get', '--non-resource-url=a'],
  ['clusterrole', 'x', '--verb=get', '--aggregation-rule=a=b'],
  ['quota', 'x', '--hard=cpu'],
  ['pdb', 'x'],
  ['pdb', 'x', '--selector=a=b'],
  ['pdb', 'x', '--selector=a=b', '--min-available=1', '--max-unavailable=1'],
  ['pdb', 'x', '--selector=a=b', '--max-unavailable=foo'],
  ['ingress', 'x'],
  ['ingress', 'x', '--rule=foo'],
  ['ingress', 'x', '--rule=foo/a=b'],
  ['ingress', 'x', '--default-backend=foo'],
  ['ingress', 'x', '--annotation=foo', '--default-backend=foo:1'],
  ['sa', 'x', '--dry-run=foo'],
];

t.test('refusals are in kubectl’s words', needsKubectl, async (t) => {
  for (const words of refused) {
    const theirs = await kubectl(['create', ...words]);
    const ours = await bay('create', ...words);
    const line = words.join(' ');
    const why = /^error: (.*)$/m.exec(theirs.stderr)?.[1] ?? theirs.stderr;
    t.not(theirs.code, 0, line);
    t.not(ours.code, 0, line);
    t.equal(ours.stderr.replace(/; see 'bay help create'/, ''), `bay: ${why}\n`, line);
  }
});

t.test('flags that must be given are named', async (t) => {
  const cases: [string[], string][] = [
    [['deployment', 'x'], '"image"'],
    [['cronjob', 'x'], '"image", "schedule"'],
    [['clusterrolebinding', 'x'], '"clusterrole"'],
    [['service', 'externalname', 'x'], '"external-name"'],
  ];
  for (const [words, flags] of cases) {
    const { code, stderr } = await bay('create', ...words);
    t.strictSame([code, stderr], [2, `bay: required flag(s) ${flags} not set\n`]);
  }
  t.match(await bay('create', 'secret', 'x'), {
    code: 2,
    stderr: /say which secret: bay create secret generic\|tls\|docker-registry NAME/,
  });
  t.match(await bay('create', 'token'), { code: 2, stderr: /exactly one NAME is required, got 0/ });
});

t.test('what is made is there, in its namespace', async (t) => {
  t.match(await bay('create', 'ns', 'made'), { code: 0, stdout: 'namespace/made created\n' });
  const dry = await bay('create', 'cm', 'dry', '-n', 'made', '--dry-run=server');
  t.strictSame(dry.stdout, 'configmap/dry created (server dry run)\n');
  const client0 = await bay('create', 'cm', 'dry', '-n', 'made', '--dry-run');
  t.strictSame(client0.stdout, 'configmap/dry created (dry run)\n');
  t.match(await bay('create', 'cm', 'kept', '-n', 'made', '--from-literal=a=b', '-o', 'name'), {
    code: 0,
    stdout: 'configmap/kept\n',
  });
  const list = (await client.request('GET', '/api/v1/namespaces/made/configmaps')) as {
    items: KubeObject[];
  };
  t.strictSame(
    list.items.filter(({ data }) => isObject(data) && data['a'] === 'b').length,
    1,
    'the one that was no dry run',
  );
  t.notOk(list.items.some(({ metadata }) => metadata.name === 'dry'));
  const again = await bay('create', 'cm', 'kept', '-n', 'made');
  t.match(again, { code: 1, stderr: /configmaps "kept" already exists/ });
});

t.test('a token', async (t) => {
  await bay('create', 'sa', 'robot');
  const { code, stdout, stderr } = await bay('create', 'token', 'robot', '--duration=10m');
  t.equal(code, 0, stderr);
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
  t.equal(claims.sub, 'system:serviceaccount:default:robot');
  t.equal(claims.exp - claims.iat, 600);
  const whole = await bay('create', 'token', 'robot', '--audience=there', '-o', 'json');
  t.match(JSON.parse(whole.stdout), { kind: 'TokenRequest', spec: { audiences: ['there'] } });
  t.match(await bay('create', 'token', 'robot', '--bound-object-kind=Pod'), {
    code: 2,
    stderr: /--bound-object-name is required/,
  });
});

await client.request(
  'POST',
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  parse(readFileSync('crds/container.yaml', 'utf8')),
);

t.test('other words are images, and files are files', async (t) => {
  const { stdout, stderr } = await bay('create', '--name', 'job', 'job:latest', 'configmap');
  t.match(stdout, /^[0-9a-f]{64}\n$/, stderr);
  file('role', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-file}\n');
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  process.chdir(folder);
  t.match(await bay('create', '-f', 'role'), { code: 0, stdout: 'configmap/of-file created\n' });
});
