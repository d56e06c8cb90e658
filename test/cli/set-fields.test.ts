/** `bay set env`, `resources`, `serviceaccount` and `selector` say and do what the real kubectl says and does. */
import t from 'tap';
import { setRig } from './set-rig.ts';

const { client, inBoth, asKubectl, refuses } = await setRig(t);

await inBoth('create', 'service', 'clusterip', 'front', '--tcp=80');
await inBoth('create', 'configmap', 'settings', '--from-literal=a-b=1', '--from-literal=c=2');
await inBoth('create', 'secret', 'generic', 'keys', '--from-literal=password=hush');
const resourceFieldRef = { containerName: 'two', resource: 'limits.cpu' };
const env = [{ name: 'CPU', valueFrom: { resourceFieldRef } }];
const spec = { template: { spec: { containers: [{ name: 'one', env }] } } };
await inBoth('patch', 'deploy/web', '-p', JSON.stringify({ spec }));

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

await asKubectl(
  [
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
    [
      'resources',
      'deploy',
      'web',
      '-c=one',
      '--requests=memory=1Gi,cpu=50m',
      '--limits=memory=1Gi',
    ],
    ['resources', 'deploy/web', '-c=none', '--limits=cpu=1'],
    ['serviceaccount', 'deploy', 'web', 'robot'],
    ['serviceaccount', 'deploy', 'web', 'robot'],
    ['sa', 'deploy/other', 'robot', '-o', 'name'],
    ['selector', 'service', 'front', 'app=web,tier=front'],
    ['selector', 'svc/front', 'app==other'],
    ['selector', 'svc/front', 'app=other'],
  ],
  specs,
  /"value":"where".*"robot".*"app":"other"/,
);

await refuses(
  [
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
  ],
  specs,
);
