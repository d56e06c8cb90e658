/**
 * Every command of kubectl that needs no running container, with every kubectl on this machine. (Those that do need one:
 * `test/e2e/streams.test.ts`.) A step is a command, what it prints, and what it reads.
 */
import { spawn } from 'node:child_process';
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { kubectlFor, kubectlReleases } from '../../support/kubectl.ts';
import { signingRequest } from '../../support/signing-request.ts';

type Step = readonly [command: string, printed: RegExp, input?: object];

const releases = kubectlReleases();
t.setTimeout(releases.length * 120_000 + 30_000);
const server = await startTestServer();
const began = Date.now();
const agent = await startFakeAgent(server, (request, response) => {
  if (request.url?.startsWith('/containerLogs/')) return response.end('a line of the log\n');
  const counts = {
    cpu: { time: new Date().toISOString(), usageCoreNanoSeconds: (Date.now() - began) * 1e5 },
    memory: { workingSetBytes: 2 ** 20 },
  };
  return response.end(JSON.stringify({ node: { nodeName: 'n1', ...counts }, pods: [] }));
});
t.teardown(async () => {
  await agent.close();
  await server.close();
});
if (releases.length === 0) t.comment('skipped: needs kubectl');
process.env['KUBE_EDITOR'] = 'sed -i s/blue/green/';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'i:1' }] } };
const metadata = (name: string) => ({ name, labels });
const deployment = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metadata('web'),
  spec: { replicas, selector: { matchLabels: labels }, template },
});
const pod = (name: string, nodeName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata(name),
  spec: { nodeName, terminationGracePeriodSeconds: 0, containers: template.spec.containers },
});
/** What the controller of the deployment made for a revision of it. */
const replicaSet = (revision: number, uid: string) => {
  const hash = { ...labels, 'pod-template-hash': `h${revision}` };
  const spec = { containers: [{ name: 'main', image: `i:${revision}` }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `web-${revision}`,
      labels: hash,
      annotations: { 'deployment.kubernetes.io/revision': String(revision) },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true },
      ],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: hash },
      template: { metadata: { labels: hash }, spec },
    },
  };
};
const role = (namespace: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'reader', namespace },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
});
const request = (name: string) => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name },
  spec: {
    request: signingRequest({ commonName: 'jane' }).request,
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['client auth'],
  },
});

const asking: Step[] = [
  ['version', /Server Version/],
  ['api-resources -o name', /^deployments\.apps$/m],
  ['api-versions', /^apps\/v1$/m],
  ['cluster-info', /control plane/],
  ['get --raw /readyz?verbose', /readyz check passed/],
  ['get --raw /metrics', /apiserver_request_total/],
  ['explain pod.spec.containers.image', /FIELD:? +image/],
  ['auth can-i create pods', /^yes/],
  ['auth can-i --list', /selfsubjectaccessreviews/],
  // 1.27 asks for versions before v1, which Kubernetes 1.36 serves no more.
  ['auth whoami', /kubernetes-admin|v1alpha1 or authentication\.k8s\.io\/v1beta1/],
  ['top node', /n1 +\d+m/],
];

const creating = (space: string): Step[] => [
  ['create configmap settings --from-literal=colour=blue', /created/],
  ['create secret generic word --from-literal=a=b', /created/],
  ['create serviceaccount robot', /created/],
  ['create token robot', /^ey/],
  ['create job once --image=i', /created/],
  ['create cronjob often --image=i --schedule=@hourly', /created/],
  ['create role reader --verb=get --resource=pods', /created/],
  ['auth reconcile -f -', /reconciled/, role(space)],
  ['get role reader -o jsonpath={.rules[*].verbs}', /"get".*"list"/],
  ['create rolebinding read --role=reader --serviceaccount=default:robot', /created/],
  [`create clusterrolebinding all-${space} --clusterrole=view --user=me`, /created/],
  ['create ingress way --rule=example.com/*=web:80', /created/],
  ['create quota few --hard=services=20', /created/],
  ['create poddisruptionbudget one --selector=app=none --min-available=1', /created/],
  [`create priorityclass high-${space} --value=1000`, /created/],
  [`create -f -`, /created/, request(space)],
  [`certificate approve ${space}`, /approved/],
  ['create -f -', /pod\/p1 created/, pod('p1', 'n1')],
  ['run p2 --image=i', /created/],
  ['apply -f -', /created/, deployment(1)],
];

const changing: Step[] = [
  ['apply -f -', /configured/, deployment(2)],
  ['apply --dry-run=server -f -', /configured \(server dry run\)/, deployment(3)],
  ['apply --server-side --force-conflicts -f -', /serverside-applied/, deployment(2)],
  ['diff -f -', /\+ +replicas: 4/, deployment(4)],
  ['edit configmap settings', /edited/],
  ['get configmap settings -o jsonpath={.data.colour}', /^green/],
  ['replace -f -', /replaced/, deployment(2)],
  ['label pod p1 tier=front', /labeled/],
  ['annotate pod p1 note=seen', /annotated?/],
  ['set image deployment/web main=i:2', /image updated/],
  ['set env deployment/web A=b', /env updated/],
  ['patch deployment web -p {"spec":{"minReadySeconds":1}}', /patched/],
  ['patch deployment web --type=merge -p {"spec":{"minReadySeconds":2}}', /patched/],
  [
    'patch deployment web --type=json -p [{"op":"remove","path":"/spec/minReadySeconds"}]',
    /patched/,
  ],
  ['scale deployment web --replicas=3', /scaled/],
  ['scale deployment web --current-replicas=3 --replicas=2', /scaled/],
  ['scale deployment web --current-replicas=9 --replicas=1', /Expected replicas to be 9, was 2/],
  ['expose deployment web --port=80', /exposed/],
  ['autoscale deployment web --max=3', /autoscaled/],
  ['debug p1 --image=i --container=look', /^$|--profile=legacy is deprecated/],
  ['get pod p1 -o jsonpath={.spec.ephemeralContainers[0].name}', /^look/],
  ['rollout pause deployment/web', /paused/],
  ['rollout resume deployment/web', /resumed/],
  ['rollout restart deployment/web', /restarted/],
  [
    'patch deployment web --subresource=status --type=merge -p {"status":{"observedGeneration":99,"replicas":2,"updatedReplicas":2,"availableReplicas":2}}',
    /patched/,
  ],
  ['rollout status deployment/web --timeout=100s', /successfully rolled out/],
  ['rollout history deployment/web', /^1 .*\n2 /m],
  ['rollout undo deployment/web --to-revision=1', /rolled back/],
  ['get deployment web -o jsonpath={.spec.template.spec.containers[0].image}', /^i:1/],
];

const reading: Step[] = [
  ['get pods -o wide --sort-by=.metadata.name', /p1 +0\/1 +Pending .* n1 [\s\S]*p2/],
  ['get all', /deployment\.apps\/web/],
  ['get pod p1 -o yaml', /^kind: Pod$/m],
  ['get pods -o name -l tier=front', /^pod\/p1$/m],
  ['describe pod p1', /QoS Class: +BestEffort/],
  ['describe deployment web', /NewReplicaSet/],
  ['describe node n1', /Non-terminated Pods/],
  ['events', /No events found|LAST SEEN/],
  ['events --for pod/p1', /No events found|LAST SEEN/],
  ['logs p1', /^a line of the log$/m],
  ['logs deployment/web --tail=1 --timestamps', /a line of the log/],
  ['wait --for=jsonpath={.metadata.labels.tier}=front pod/p1 --timeout=100s', /condition met/],
  ['cluster-info dump --output=json', /"kind": "PodList"/],
];

/** The node goes out of service, then everything goes. */
const ending = (space: string): Step[] => [
  [`taint node ${space} a=b:NoSchedule`, /tainted/],
  [`cordon ${space}`, /cordoned/],
  [`uncordon ${space}`, /uncordoned/],
  ['create -f -', /created/, pod('p3', space)],
  [`drain ${space} --force --timeout=30s`, /drained/],
  ['get pods p3 --ignore-not-found', /^$/],
  [`debug node/${space} --image=i`, /^$|Creating debugging pod|--profile=legacy is deprecated/],
  ['delete pods -l app=web', /"p1"/],
  ['wait --for=delete pod/p1 --timeout=100s', /^$/],
  ['delete configmaps --all', /"settings"/],
  ['delete deployment web --cascade=orphan --wait=false', /deleted/],
];

for (const { name, program } of releases) {
  t.test(name, { timeout: 120_000 }, async (t) => {
    const space = name.replaceAll('.', '-');
    const kubectl = kubectlFor(server.kubeconfig, program);
    t.teardown(() => kubectl.close());
    const take = async (steps: readonly Step[]) => {
      for (const [command, printed, input] of steps) {
        const args = [...command.split(' '), '-n', space];
        const { stdout, stderr } = await kubectl(args, input && JSON.stringify(input));
        t.match(`${stdout}${stderr}`, printed, command);
      }
    };
    /** What a command that has no end of its own prints up to this; all it does in a minute if it never does. */
    const until = (command: string, printed: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const args = [...command.split(' '), '-n', space, '--kubeconfig', server.kubeconfig];
        const child = spawn(program, args, {
          stdio: ['ignore', 'pipe', 'inherit'],
          timeout: 60_000,
        });
        let text = '';
        child.stdout.on('data', (bytes: Buffer) => {
          text += bytes.toString();
          if (printed.test(text)) child.kill();
        });
        child.once('error', reject).once('close', () => resolve(text));
      });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: space } };
    await take([
      [`create namespace ${space}`, /created/],
      ['create -f -', /created/, node],
      ...asking,
    ]);
    const watching = until('get configmaps --watch', /settings +1 .*\n/);
    const events = until('get configmaps -w --output-watch-events', /MODIFIED +settings .*\n/);
    await take(creating(space));
    const { stdout: uid } = await kubectl(
      `get deployment web -n ${space} -o jsonpath={.metadata.uid}`.split(' '),
    );
    for (const revision of [1, 2]) {
      await take([['create -f -', /created/, replicaSet(revision, uid)]]);
    }
    await take(changing);
    t.match(await watching, /settings +1/);
    t.match(await events, /ADDED +settings[\s\S]*MODIFIED +settings/);
    const change = kubectl(['annotate', 'pod', 'p1', '--overwrite', 'note=again', '-n', space]);
    t.match(await until('get pods p1 --watch', /p1 .*\n/), /p1 .*Pending/);
    await change;
    t.match(await until('proxy --port=0', /Starting to serve on .*\n/), /127\.0\.0\.1:\d+/);
    await take(reading);
    await take(ending(space));
  });
}
