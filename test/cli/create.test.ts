/** `bay create KIND` makes the object that the real kubectl makes of the same arguments, and refuses in its words. */
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
const binary = file('many/binary', Buffer.from([0, 255, 1]));
const variables = file('variables', 'A=1\n# none\n  B=2 \n\nC=a=b\nPATH\nNOT_SET_ANYWHERE\n');
const badVariables = file('bad-variables', '1st=x\n');
const own = credentials({ kubeconfig: server.kubeconfig });
const cert = file('tls.crt', own.cert ?? '');
const key = file('tls.key', own.key ?? '');
const other = file('ca.crt', own.ca);

/** What kubectl writes because Go has no absent values, and what is the server's. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field, one]) => !(field === 'creationTimestamp' && one === null))
      .map(([field, one]) => [field, plain(one)]),
  );
}
const withoutStatus = (json: string): unknown => {
  const { status: _, ...object } = plain(JSON.parse(json)) as Record<string, unknown>;
  return object;
};

const made: readonly (readonly string[])[] = [
  ['namespace', 'x'],
  ['ns', 'x', '-n', 'theirs'],
  ['configmap', 'x'],
  ['cm', 'x', `--from-file=${text}`, `--from-file=k=${binary}`, '--from-literal=q=1=2'],
  ['-n', 'theirs', 'configmap', 'x', '--from-file', `${folder}/many`],
  ['configmap', 'x', `--from-file=${text},${binary}`, '--append-hash'],
  ['configmap', 'x', `--from-env-file=${variables}`],
  ['configmap', 'x', '--append-hash', '--from-literal=a=<b>'],
  ['secret', 'generic', 'x', '--from-literal=a=b', '--type=foo', '-n', 'q'],
  ['secret', 'generic', 'x', `--from-file=${binary}`, '--append-hash'],
  ['secret', 'generic', 'x', `--from-env-file=${variables}`, '--append-hash', '--type=a/b'],
  ['secret', 'tls', 'x', `--cert=${cert}`, `--key=${key}`],
  [
    ...['secret', 'docker-registry', 'x', '--docker-username=u', '--docker-password=<p>'],
    ...['--docker-email=e@x', '--docker-server=here:5000'],
  ],
  ['secret', 'docker-registry', 'x', '--docker-username=u', '--docker-password=p'],
  ['secret', 'docker-registry', 'x', `--from-file=.dockerconfigjson=${text}`],
  ['deployment', 'x', '--image=a/b:1'],
  ['deploy', 'x', '--image=r:5000/b:1', '--image=c@sha256:aa,d', '-r', '3', '--port', '80'],
  ['deployment', 'x', '--image=a', '--replicas=0', '--', 'sh', '-c', 'echo -n', '--', '-f'],
  ['job', 'x', '--image=a'],
  ['job', 'x', '--image=a', '--', 'date', '1'],
  ['cronjob', 'x', '--image=a', '--schedule=* * * * *'],
  ['cj', 'x', '--image=a', '--schedule=0 1 * * *', '--restart=Never', '--', 'date'],
  ['service', 'clusterip', 'x', '--tcp=80', '--tcp=81:http', '--tcp=82:8000'],
  ['svc', 'clusterip', 'x', '--clusterip=None'],
  ['service', 'nodeport', 'x', '--tcp=80:1', '--node-port=30000'],
  ['service', 'loadbalancer', 'x', '--tcp=80,81'],
  ['service', 'externalname', 'x', '--external-name=a.b', '--tcp=80'],
  ['service', 'externalname', 'x', '--external-name=a.b'],
  ['serviceaccount', 'x', '-n', 'q'],
  ['sa', 'x'],
  ['role', 'x', '--verb=get,list', '--resource=pods,deployments.apps,pods/log', '-n', 'q'],
  ['role', 'x', '--verb=get', '--verb=get', '--resource=cm', '--resource-name=a'],
  ['role', 'x', '--verb=*,get', '--resource=deploy/scale,rs,svc'],
  ['rolebinding', 'x', '--role=a', '--user=u,v', '--group=g', '--serviceaccount=s:a', '-n', 'q'],
  ['rolebinding', 'x', '--clusterrole=a'],
  ['clusterrole', 'x', '--verb=get', '--non-resource-url=/healthz', '--non-resource-url=/a/*'],
  ['clusterrole', 'x', '--verb=get', '--resource=nodes,pods', '--non-resource-url=/a'],
  ['clusterrole', 'x', '--aggregation-rule=a=b,c=d'],
  ['clusterrolebinding', 'x', '--clusterrole=b', '--user=u', '--user=v', '--serviceaccount=s:a'],
  ['quota', 'x'],
  ['quota', 'x', '--hard=cpu=0.5,pods=1000,memory=1024Mi', '--scopes=BestEffort,NotTerminating'],
  ['poddisruptionbudget', 'x', '--selector=a=b,c=d', '--min-available=1'],
  ['pdb', 'x', '--selector=a,!d,e notin (f,g),h==i', '--max-unavailable=50%'],
  ['priorityclass', 'x'],
  ['pc', 'x', '--value=10', '--global-default', '--description=d', '--preemption-policy=Never'],
  [
    ...['ingress', 'x', '--rule=foo.com/a*=svc:80,tls=s', '--rule=foo.com/b=svc:http,tls'],
    ...['--rule=/=q:1', '--rule=bar.com/*=q:1,tls=s', '--class=c', '--annotation=a=b'],
    ...['--default-backend=d:http', '--rule=*.x/b*/c=d:1,tls=', '--rule=y/a=b:1,tls=a,b'],
  ],
  ['ing', 'x', '--default-backend=d:80'],
  ['ingress', 'x', '--rule=/b=svc:http,tls=s'],
];

t.test('the object is kubectl’s', needsKubectl, async (t) => {
  for (const words of made) {
    const before = ['create', '--dry-run=client', '-o', 'json'];
    const theirs = await kubectl([...before, ...words]);
    const ours = await bay(...before, ...words);
    const line = words.join(' ');
    if (!t.match(theirs, { code: 0 }, `kubectl create ${line}: ${theirs.stderr}`)) continue;
    if (!t.equal(ours.code, 0, `bay create ${line}: ${ours.stderr}`)) continue;
    t.strictSame(withoutStatus(ours.stdout), withoutStatus(theirs.stdout), line);
  }
});

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

t.test('a job of a cron job is what kubectl makes of it', needsKubectl, async (t) => {
  await bay('create', 'cronjob', 'each', '--image=a', '--schedule=* * * * *', '--', 'date');
  const words = ['create', 'job', 'now', '--from=cronjob/each', '--dry-run=client', '-o', 'json'];
  const theirs = await kubectl(words);
  const ours = await bay(...words);
  t.strictSame(withoutStatus(ours.stdout), withoutStatus(theirs.stdout), ours.stderr);
  t.match(await bay('create', 'job', 'now', '--from=pod/each'), {
    code: 2,
    stderr: /from must be an existing cronjob/,
  });
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
