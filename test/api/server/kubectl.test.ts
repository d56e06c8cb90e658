/** What kubectl 1.32 does, against this server: typed requests are protobuf, the rest JSON. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { stringify } from 'yaml';
import { startTestServer } from '../../support/api-server.ts';
import { kubectlFor } from '../../support/kubectl.ts';
import { pod, widgetDefinition } from '../../support/objects.ts';

const missing = spawnSync('kubectl', ['version', '--client']).error !== undefined;
const server = await startTestServer();
const kubectl = kubectlFor(server.kubeconfig);
t.teardown(async () => {
  kubectl.close();
  await server.close();
});

const options = missing ? { skip: 'needs kubectl' } : {};
/** The output of a command that must succeed. */
async function out(command: string, input?: unknown): Promise<string> {
  const outcome = await kubectl(command.split(' '), input === undefined ? '' : stringify(input));
  if (outcome.code !== 0) throw new Error(`kubectl ${command}: ${outcome.stderr}`);
  return outcome.stdout.trim();
}

const deployment = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image }] },
    },
  },
});

t.test('it sees the version and every kind', options, async (t) => {
  t.match(await out('version'), /Server Version: v1\.36\.2/);
  const kinds = await out('api-resources -o name');
  for (const kind of ['pods', 'deployments.apps', 'leases.coordination.k8s.io']) {
    t.ok(kinds.split('\n').includes(kind), kind);
  }
  t.match(await out('explain pod.spec.containers.image'), /FIELD: image <string>/);
});

t.test('it creates by protobuf what it has commands for', options, async (t) => {
  for (const command of [
    'create namespace team',
    'create configmap settings --from-literal=a=1',
    'create secret generic secret --from-literal=b=2',
    'create deployment made --image=busybox --replicas=2',
    'create job once --image=busybox',
    'create cronjob often --image=busybox --schedule=*/5\u00a0*\u00a0*\u00a0*\u00a0*',
    'create role reader --verb=get --resource=pods',
    'create clusterrolebinding all --clusterrole=view --user=me',
    'create ingress way --rule=example.com/*=web:80',
    'create serviceaccount robot',
    'create quota few --hard=pods=2',
    'create poddisruptionbudget one --selector=app=web --min-available=1',
    'create priorityclass high --value=1000',
  ]) {
    const args = command.split(' ').map((arg) => arg.replaceAll('\u00a0', ' '));
    const { code, stderr } = await kubectl(args);
    t.equal(code, 0, `${command} ${stderr}`);
  }
  t.equal(await out('get secret secret -o jsonpath={.data.b}'), 'Mg==');
  t.equal(await out('get deployment made -o jsonpath={.spec.replicas}'), '2');
});

t.test('it applies, and applies again only what differs', options, async (t) => {
  t.equal(await out('apply -f -', deployment('busybox:1')), 'deployment.apps/web created');
  t.equal(await out('apply -f -', deployment('busybox:1')), 'deployment.apps/web unchanged');
  t.equal(await out('apply -f -', deployment('busybox:2')), 'deployment.apps/web configured');
  t.equal(
    await out('apply --dry-run=server -f -', deployment('busybox:3')),
    'deployment.apps/web configured (server dry run)',
  );
  t.match(await out('get deployment web -o wide'), /web +0\/2 .* busybox:2 +app=web/);
});

t.test(
  'it changes: scale, label, annotate, set, patch, restart, edit by replace',
  options,
  async (t) => {
    await out('scale deployment web --replicas=4');
    await out('label deployment web tier=front');
    await out('annotate deployment web note=seen');
    await out('set image deployment/web main=busybox:4');
    await out('rollout restart deployment web');
    await out(
      'patch deployment web --type=json -p [{"op":"replace","path":"/spec/paused","value":true}]'.replace(
        'replace',
        'add',
      ),
    );
    const [replicas, tier, image, paused] = (
      await out(
        'get deployment web -o jsonpath={.spec.replicas},{.metadata.labels.tier},{.spec.template.spec.containers[0].image},{.spec.paused}',
      )
    ).split(',');
    t.strictSame([replicas, tier, image, paused], ['4', 'front', 'busybox:4', 'true']);
    t.equal(await out('replace -f -', deployment('busybox:5')), 'deployment.apps/web replaced');
  },
);

t.test('it describes, waits, watches and deletes', options, async (t) => {
  await out('create -f -', pod('p1', { app: 'web' }));
  t.match(await out('describe pod p1'), /QoS Class: +BestEffort/);
  t.match(await out('get pods -l app=web --show-labels'), /p1 .* app=web/);
  const waiting = out('wait --for=jsonpath={.metadata.labels.seen}=yes pod/p1 --timeout=60s');
  const watching = kubectl('get pods -w --request-timeout=3s'.split(' '));
  await out('label pod p1 seen=yes');
  t.match(await waiting, /condition met/);
  t.equal(await out('delete pod p1'), 'pod "p1" deleted');
  t.match((await watching).stdout, /p1 +0\/1 +Pending/);
  t.match((await kubectl(['get', 'pod', 'p1'])).stderr, /pods "p1" not found/);
});

t.test('it is told what is wrong', options, async (t) => {
  const unknown = { ...pod('bad'), spec: { ...pod('bad').spec, colour: 'red' } };
  const strict = await kubectl(['create', '-f', '-'], stringify(unknown));
  t.match(strict.stderr, /unknown field "spec.colour"/);
  const nameless = { ...pod('Bad_Name') };
  t.match(
    (await kubectl(['create', '-f', '-'], stringify(nameless))).stderr,
    /The Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"/,
  );
});

t.test('it works with custom kinds as with others', options, async (t) => {
  await out('apply -f -', widgetDefinition());
  await out('wait --for=condition=Established crd/widgets.example.com --timeout=60s');
  const widget = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size: 3 },
  };
  t.equal(await out('apply -f -', widget), 'widget.example.com/w created');
  t.equal(
    await out('apply -f -', { ...widget, spec: { size: 4 } }),
    'widget.example.com/w configured',
  );
  t.match(await out('get widgets'), /NAME +SIZE\nw +4/);
  t.match(await out('explain widget.spec.size'), /FIELD: size <integer>/);
  await out('scale widget w --replicas=3');
  await out('delete crd widgets.example.com');
  t.match(
    (await kubectl(['get', 'widgets'])).stderr,
    /doesn't have a resource type|could not find/,
  );
});

t.test('it asks who it is and what it may', options, async (t) => {
  t.equal(await out('auth can-i delete pods'), 'yes');
  t.match(await out('auth whoami'), /kubernetes-admin/);
});
