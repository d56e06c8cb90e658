/** `bay rollout` says and does what the real kubectl says and does: one in a namespace, the other in its twin. */
import { writeFileSync } from 'node:fs';
import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { makeDescribed } from '../support/described-objects.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);

await client.request('POST', '/api/v1/namespaces', { metadata: { name: 'theirs' } });
await makeDescribed(client, 'default');
await client.request('DELETE', '/api/v1/nodes/n1');
await makeDescribed(client, 'theirs');

const path = '/apis/apps/v1/namespaces/default/deployments/web';
const web = async () => (await client.request('GET', path)) as KubeObject;
const file = `${scratch('rollout')()}/both.yaml`;
const named = (kind: string, name: string) =>
  `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
writeFileSync(file, `${named('Deployment', 'web')}---\n${named('StatefulSet', 'db')}`);

/** Without the tool's own first word. */
const alike = (text: string) => text.replace(/^(bay|error): /gm, '');

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const line of [
    'restart sts/db -o name',
    'restart ds -o jsonpath={.kind}',
    'restart deploy -l app=web',
    'restart cm/texts',
    'restart pod/full',
    'pause deploy/web -o name',
    'pause deploy/web sts/db',
    'resume deploy/web',
    'resume deploy/web',
    'resume sts/db',
    `pause -f ${file}`,
    `resume -f ${file}`,
    'pause deploy -l app=web -o jsonpath={.spec.paused}',
    'resume deploy -l app=web -o jsonpath={.kind}',
    'undo deploy/web --dry-run=client',
    'undo deploy/web --dry-run=server',
    'undo deploy/web --dry-run=server -o name',
    'undo deploy/web -o jsonpath={.spec.template.spec.containers[0].image}',
    'undo deploy/web',
    'undo deploy/web --to-revision=1 -o name',
    'undo deploy/web sts/db',
    `undo -f ${file}`,
    'undo ds/each --dry-run=client',
    'undo deploy -l app=web',
  ]) {
    const words = line.split(' ');
    const theirs = await kubectl(['rollout', ...words, '-n', 'theirs']);
    const ours = await bay('rollout', ...words, '-n', 'default');
    t.equal(alike(ours.stdout), alike(theirs.stdout), line);
    t.equal(alike(ours.stderr), alike(theirs.stderr), line);
    t.equal(ours.code, theirs.code, line);
  }
});

t.test('--dry-run changes nothing, whatever is asked for', async (t) => {
  const before = await web();
  for (const how of ['client', 'server']) {
    await bay('rollout', 'pause', 'sts/db', `--dry-run=${how}`);
    for (const action of ['pause', 'undo']) {
      const { code, stdout } = await bay('rollout', action, 'deploy/web', `--dry-run=${how}`);
      t.equal(code, 0);
      t.match(stdout, how === 'server' ? / \(server dry run\)\n$/ : / \(dry run\)\n$/);
    }
  }
  t.strictSame(await web(), before);
});

t.test('what is restarted twice within a second is told of, not passed over', async (t) => {
  const outcomes = [];
  for (let i = 0; i < 20 && outcomes.at(-1)?.code !== 1; i += 1) {
    outcomes.push(await bay('rollout', 'restart', 'deploy/web'));
  }
  t.match(outcomes.at(-1), {
    code: 1,
    stdout: '',
    stderr: /web" was restarted within this second/,
  });
});

t.test('the changes are bay’s own in managedFields', async (t) => {
  await bay('rollout', 'pause', 'deploy/web');
  const managers = async () => (await web()).metadata.managedFields?.map(({ manager }) => manager);
  t.ok((await managers())?.includes('bay-rollout'));
  await bay('rollout', 'resume', 'deploy/web');
  await bay('rollout', 'pause', 'deploy/web', '--field-manager=mine');
  t.ok((await managers())?.includes('mine'));
});
