/** Server-side apply by kubectl 1.32: conflicts, force, diff, and the way there from client-side apply. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { stringify } from 'yaml';
import type { ManagedFieldsEntry } from '#api/resources/meta.ts';
import { startTestServer } from '../../support/api-server.ts';
import { kubectlFor, type Outcome } from '../../support/kubectl.ts';
import { widgetDefinition } from '../../support/objects.ts';

const missing = spawnSync('kubectl', ['version', '--client']).error !== undefined;
const options = missing ? { skip: 'needs kubectl' } : {};
const server = await startTestServer();
const kubectl = kubectlFor(server.kubeconfig);
t.teardown(async () => {
  kubectl.close();
  await server.close();
});

const run = (command: string, input?: unknown): Promise<Outcome> =>
  kubectl(command.split(' '), input === undefined ? '' : stringify(input));

/** The output of a command that must succeed. */
async function out(command: string, input?: unknown): Promise<string> {
  const { code, stdout, stderr } = await run(command, input);
  if (code !== 0) throw new Error(`kubectl ${command}: ${stderr}`);
  return stdout.trim();
}

async function managers(what: string): Promise<string[]> {
  const { metadata } = JSON.parse(await out(`get ${what} -o json --show-managed-fields`));
  const entries = (metadata.managedFields ?? []) as ManagedFieldsEntry[];
  return entries.map(({ manager, operation }) => `${manager} ${operation}`).sort();
}

const deployment = (name: string, spec: object = {}, image = 'busybox:1') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 80 }] }] },
    },
    ...spec,
  },
});

t.test('it applies, and removes what it leaves out', options, async (t) => {
  const apply = 'apply --server-side -f -';
  t.equal(
    await out(apply, deployment('web', { replicas: 2 })),
    'deployment.apps/web serverside-applied',
  );
  t.strictSame(await managers('deployment web'), ['kubectl Apply']);
  await out(apply, deployment('web', { paused: true }));
  t.equal(await out('get deployment web -o jsonpath={.spec.replicas},{.spec.paused}'), '1,true');
});

t.test('it is told of conflicts and may force', options, async (t) => {
  await out('apply --server-side --field-manager=one -f -', deployment('own', { replicas: 1 }));
  await out('scale deployment own --replicas=3');
  const refused = await run(
    'apply --server-side --field-manager=one -f -',
    deployment('own', { replicas: 1 }),
  );
  t.equal(refused.code, 1);
  t.match(
    refused.stderr,
    /Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
  );
  t.match(refused.stderr, /--force-conflicts/);
  const forced = 'apply --server-side --force-conflicts --field-manager=one -f -';
  await out(forced, deployment('own', { replicas: 1 }));
  t.equal(await out('get deployment own -o jsonpath={.spec.replicas}'), '1');
  t.strictSame(await managers('deployment own'), ['one Apply']);
});

t.test('its diff is that of a dry run', options, async (t) => {
  await out('apply --server-side -f -', deployment('diff'));
  const same = await run('diff --server-side -f -', deployment('diff'));
  t.equal(same.code, 0, same.stdout + same.stderr);
  const differs = await run('diff --server-side -f -', deployment('diff', {}, 'busybox:2'));
  t.equal(differs.code, 1);
  t.match(differs.stdout, /-\s+- image: busybox:1\n\+\s+- image: busybox:2/);
  t.equal(await out('get deployment diff -o jsonpath={..image}'), 'busybox:1');
});

t.test('it takes over from client-side apply, and goes back', options, async (t) => {
  await out('apply -f -', deployment('move', { replicas: 2 }));
  t.strictSame(await managers('deployment move'), ['kubectl-client-side-apply Update']);
  await out('apply --server-side -f -', deployment('move', { replicas: 3 }, 'busybox:2'));
  // The second one is kubectl's own, for the annotation alone.
  t.strictSame(await managers('deployment move'), ['kubectl Apply', 'kubectl-last-applied Apply']);
  await out('apply --server-side -f -', deployment('move', {}, 'busybox:2'));
  t.equal(
    await out('get deployment move -o jsonpath={.spec.replicas}'),
    '1',
    'removed, then the default',
  );
  t.equal(
    await out('apply -f -', deployment('move', {}, 'busybox:3')),
    'deployment.apps/move configured',
  );
  t.equal(await out('get deployment move -o jsonpath={..image}'), 'busybox:3');
});

t.test('it is told of fields that do not exist', options, async (t) => {
  const refused = await run(
    'apply --server-side --validate=false -f -',
    deployment('bad', { colour: 'red' }),
  );
  t.equal(refused.code, 1);
  t.match(
    refused.stderr,
    /failed to create typed patch object .*\.spec\.colour: field not declared in schema/,
  );
});

t.test('several documents, custom kinds and dry runs are applied alike', options, async (t) => {
  await out('apply --server-side -f -', widgetDefinition());
  await out('wait --for=condition=Established crd/widgets.example.com --timeout=60s');
  const widget = (size: number) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size },
  });
  const both = `${stringify(widget(3))}---\n${stringify(deployment('both'))}`;
  const { stdout } = await kubectl(['apply', '--server-side', '-f', '-'], both);
  t.equal(
    stdout,
    'widget.example.com/w serverside-applied\ndeployment.apps/both serverside-applied\n',
  );
  await out('apply --server-side --dry-run=server -f -', widget(4));
  t.equal(await out('get widget w -o jsonpath={.spec.size}'), '3');
});

t.test('its other writes have names, too', options, async (t) => {
  await out('create configmap kept --from-literal=a=1');
  await out('label configmap kept seen=yes');
  await out('annotate configmap kept note=x');
  t.strictSame(await managers('configmap kept'), [
    'kubectl-annotate Update',
    'kubectl-create Update',
    'kubectl-label Update',
  ]);
});
