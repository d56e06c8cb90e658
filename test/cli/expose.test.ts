/** `bay expose` makes the Service that the real kubectl makes, and refuses in its words. */
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
await bay('create', 'deployment', 'web', '--image=one:1', '--port=80');
await bay('create', 'deployment', 'mute', '--image=one:1');
await bay('create', 'service', 'clusterip', 'there', '--tcp=53:5353');

const partsOf = (json: string): object => {
  const { apiVersion, kind, metadata, spec } = JSON.parse(json === '' ? '{}' : json);
  const { creationTimestamp: _, ...meta } = metadata ?? {};
  return { apiVersion, kind, metadata: meta, spec };
};

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['deployment/web'],
    ['deploy', 'mute', '--port=80', '--target-port=http', '--name=x', '--protocol=UDP'],
    ['deploy/web', '--port=80,443', '--type=NodePort', '-l', 'a=b,c=d'],
    ['deploy/web', '--selector=app=other', '--external-ip=192.0.2.1'],
    ['deploy/web', '--type=LoadBalancer', '--load-balancer-ip=192.0.2.1'],
    ['deploy/web', '--cluster-ip=None', '--session-affinity=ClientIP', '-n', 'default'],
    ['service/there', '--name=again', '--target-port=80'],
  ]) {
    const line = ['expose', ...words, '--dry-run=client', '-o', 'json'];
    const [theirs, ours] = [await kubectl(line), await bay(...line)];
    t.equal(theirs.code, 0, theirs.stderr);
    t.strictSame(partsOf(ours.stdout), partsOf(theirs.stdout), `${words.join(' ')} ${ours.stderr}`);
  }
});

t.test('what is made is there', async (t) => {
  const dry = await bay('expose', 'deploy/web', '--dry-run=server');
  t.equal(dry.stdout, 'service/web exposed (server dry run)\n');
  t.equal((await bay('get', 'svc', 'web')).code, 1);
  t.equal((await bay('expose', 'deploy/web')).stdout, 'service/web exposed\n');
  const path = '/api/v1/namespaces/default/services/web';
  t.match(await server.client().request('GET', path), {
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] },
  });
});

t.test('what is wrong is told', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['deploy/mute'], 1, /couldn't find port via --port flag or introspection/],
    [['ns/default', '--port=80'], 1, /cannot expose a Namespace/],
    [['deploy/web', '--port=http'], 1, /--port 'http': a number/],
    [['deploy/web'], 1, /AlreadyExists/],
  ];
  for (const [words, code, message] of cases) {
    t.match(await bay('expose', ...words), { code, stderr: message }, words.join(' '));
  }
});
