/** `bay create KIND` makes the object that the real kubectl makes of the same arguments. */
import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { credentials } from '#api/client/credentials.ts';
import { isObject } from '#api/resources/json.ts';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const kubectl = kubectlFor(server.kubeconfig, newest?.program);
t.teardown(() => kubectl.close());
const needsKubectl = { skip: newest === undefined && 'needs kubectl' };

const folder = scratch('create-objects')();
const file = (name: string, content: string | Buffer) => {
  writeFileSync(`${folder}/${name}`, content);
  return `${folder}/${name}`;
};
mkdirSync(`${folder}/many/deeper`, { recursive: true });
const text = file('many/text.txt', 'größe\n');
const binary = file('many/binary', Buffer.from([0, 255, 1]));
const variables = file('variables', 'A=1\n# none\n  B=2 \n\nC=a=b\nPATH\nNOT_SET_ANYWHERE\n');
const own = credentials({ kubeconfig: server.kubeconfig });
const cert = file('tls.crt', own.cert ?? '');
const key = file('tls.key', own.key ?? '');

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
