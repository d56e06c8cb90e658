/** Commands that change documents say and do what the real kubectl says and does. */
import { chmodSync, writeFileSync } from 'node:fs';
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
const directory = scratch('change-documents');

await client.request('POST', '/api/v1/namespaces', { metadata: { name: 'theirs' } });
await makeDescribed(client, 'default');
await client.request('DELETE', '/api/v1/nodes/n1');
await makeDescribed(client, 'theirs');

const read = async (path: string): Promise<KubeObject> =>
  (await client.request('GET', path)) as KubeObject;

/** The same, in two namespaces: bay in one, kubectl in the other. */
const folder = directory();
const made = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`;
writeFileSync(`${folder}/maps.yaml`, `${made('made')}---\n${made('other')}`);

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  for (const words of [
    ['scale', 'deployment/web', '--replicas=5'],
    ['scale', 'deploy', 'web', '--replicas', '2', '--current-replicas=5'],
    ['scale', '--replicas=1', 'sts/db', 'deploy/web'],
    ['label', 'pod', 'full', 'x=1', 'tier-'],
    ['label', 'pod', 'full', 'x=1'],
    ['label', 'pods', '--all', 'x=2', '--overwrite'],
    ['label', 'pod/full', 'x-', 'gone-'],
    ['label', 'pod/full', '--list'],
    ['label', 'deploy,sts', '-l', 'app=web', 'more=yes'],
    ['annotate', 'pod', 'full', 'note=hello world', 'short-'],
    ['annotate', 'pod', 'full', 'note=hello world'],
    ['annotate', 'cm/texts', 'a=b', '--dry-run=server'],
    ['annotate', 'cm/texts', 'a=b', '--dry-run=client'],
    ['patch', 'deployment', 'web', '-p', '{"spec":{"minReadySeconds":3}}'],
    ['patch', 'deployment', 'web', '-p', 'spec: {minReadySeconds: 3}'],
    ['patch', 'cm/texts', '--type=json', '-p=[{"op":"remove","path":"/data/a"}]'],
    ['patch', 'cm', 'texts', '--type', 'merge', '-p', '{"data":{"c":"3"}}', '-o', 'name'],
    ['patch', 'deploy/web', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":4}}'],
    ['rollout', 'history', 'deployment/web'],
    ['rollout', 'history', 'deployment', 'web', '--revision=1'],
    ['rollout', 'history', 'sts/db'],
    ['rollout', 'undo', 'deployment/web'],
    ['rollout', 'undo', 'deployment/web', '--to-revision=1'],
    ['rollout', 'restart', 'deployment'],
    ['rollout', 'pause', 'deployment', 'web'],
    ['rollout', 'resume', 'deployment/web'],
    ['rollout', 'status', 'deployment/web', '--watch=false'],
    ['rollout', 'status', 'ds/each', '-w=false'],
    ['rollout', 'status', 'sts/db', '--watch=false'],
    ['create', '-f', `${folder}/maps.yaml`],
    ['create', '-f', `${folder}/maps.yaml`, '--dry-run=client', '-o', 'name'],
    ['replace', '-f', `${folder}/maps.yaml`],
    ['replace', '-f', `${folder}/maps.yaml`, '--dry-run=server'],
    ['delete', 'cm/made', '--dry-run=server'],
    ['delete', '-f', `${folder}/maps.yaml`],
    ['delete', '-f', `${folder}/maps.yaml`, '--ignore-not-found'],
    ['delete', 'pod', 'full', '--now', '--wait=false'],
    ['delete', 'pods', '--all', '--force'],
    ['delete', 'sts,ds', '--all', '--cascade=orphan', '-o', 'name', '--wait=false'],
    ['delete', 'rs', '-l', 'none=none'],
  ]) {
    const theirs = await kubectl([...words, '-n', 'theirs']);
    const ours = await bay(...words, '-n', 'default');
    t.equal(ours.stdout, theirs.stdout, `${words.join(' ')}: ${ours.stderr} ${theirs.stderr}`);
    t.equal(ours.code, theirs.code, words.join(' '));
  }
  const left = async (namespace: string) => {
    const paths = ['apps/v1', 'v1'].map((one) => (one === 'v1' ? `/api/${one}` : `/apis/${one}`));
    const [apps, core] = paths.map((one) => `${one}/namespaces/${namespace}`);
    const pick = ({ metadata, spec, data }: KubeObject) => {
      const { labels, annotations = {} } = metadata;
      return JSON.parse(
        JSON.stringify({ labels, annotations, spec, data }).replaceAll(/"\d{4}-[^"]+Z"/g, '"time"'),
      );
    };
    return Promise.all(
      [`${apps}/deployments/web`, `${core}/configmaps/texts`].map(async (path) =>
        pick(await read(path)),
      ),
    );
  };
  t.strictSame(await left('default'), await left('theirs'), 'what is stored is the same');
});

t.test('edit sends what the editor saves, and opens it again with the reason', async (t) => {
  const folder = directory();
  const editor = (script: string) => {
    const path = `${folder}/editor.sh`;
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    process.env['KUBE_EDITOR'] = path;
  };
  t.teardown(() => {
    delete process.env['KUBE_EDITOR'];
  });
  editor(':');
  t.match(await bay('edit', 'cm/texts'), { code: 0, stdout: 'Edit cancelled, no changes made.\n' });
  editor(`sed -i 's/^  b: two/  b: edited/' "$1"`);
  t.match(await bay('edit', 'cm/texts'), { code: 0, stdout: 'configmap/texts edited\n' });
  t.match(await read('/api/v1/namespaces/default/configmaps/texts'), { data: { b: 'edited' } });
  // The first time a wrong value, the second time, after the reason is seen, a right one.
  editor(
    `if grep -q Invalid "$1"; then sed -i 's/replicas: -1/replicas: 7/' "$1"; else sed -i 's/^  replicas: .*/  replicas: -1/' "$1"; fi`,
  );
  t.match(await bay('edit', 'deploy/web'), { code: 0, stdout: 'deployment.apps/web edited\n' });
  t.match(await read('/apis/apps/v1/namespaces/default/deployments/web'), {
    spec: { replicas: 7 },
  });
  editor(`sed -i 's/^  replicas: .*/  replicas: -1/' "$1"`);
  t.match(await bay('edit', 'deploy/web'), {
    code: 1,
    stderr: /no valid changes were saved.*Invalid/s,
  });
  editor('exit 3');
  t.match(await bay('edit', 'deploy/web'), {
    code: 1,
    stderr: /the editor '.*' failed \(exit code 3\)/,
  });
});

t.test('what is wrong is told in kubectl’s words, with what helps', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['scale', 'deploy/web'], 2, /--replicas/],
    [['scale', 'deploy/web', '--replicas=x'], 2, /invalid argument "x" for "--replicas"/],
    [['scale', 'deploy/web', '--replicas=-1'], 2, /--replicas=COUNT flag must be 0 or more/],
    [
      ['scale', 'deploy/web', '--replicas=1', '--current-replicas=99'],
      1,
      /Expected replicas to be 99, was \d/,
    ],
    [['scale', 'cm/texts', '--replicas=1'], 1, /NotFound|the server could not find/],
    [['scale', 'deploy', '--replicas=1'], 2, /no name was specified/],
    [['label', 'pod/full'], 2, /at least one label update is required/],
    [
      ['label', 'rs/web-1', 'app=other'],
      1,
      /'app' already has a value \(web\), and --overwrite is false/,
    ],
    [['label', 'pod/full', 'a=1', 'a-'], 2, /can not both modify and remove/],
    [['label', 'rs/web-1', 'a=not valid'], 1, /Invalid/],
    [['patch', 'cm/texts'], 2, /must specify --patch or --patch-file/],
    [['patch', 'cm/texts', '-p', '{'], 2, /unable to parse the patch/],
    [['patch', 'cm/texts', '-p', '{}', '--type=odd'], 2, /--type must be one of/],
    [['patch', 'cm/absent', '-p', '{}'], 1, /configmaps "absent" not found/],
    [['rollout'], 2, /say what to do/],
    [['rollout', 'status', 'cm/texts'], 1, /not supported/],
    [
      ['rollout', 'undo', 'deploy/web', '--to-revision=99'],
      1,
      /unable to find specified revision 99/,
    ],
    [['rollout', 'resume', 'deploy/web'], 1, /is not paused/],
    [['describe', 'nonsense'], 2, /doesn't have a resource type "nonsense"; 'bay api-resources'/],
    [['describe', 'pod', 'pod/full'], 2, /no need to specify a resource type as a separate/],
    [['describe', 'pods', '-l', 'a in ('], 1, /BadRequest|unable to parse/],
    [['describe', 'pods', '--odd'], 2, /unknown flag: --odd; see 'bay help describe'/],
    [['describe', 'pods', '-l'], 2, /flag needs an argument: -l/],
    [['describe', '-f', '/not/there'], 1, /the path "\/not\/there" does not exist/],
  ];
  for (const [words, code, stderr] of cases) {
    const found = await bay(...words);
    t.match(found, { code, stderr }, words.join(' '));
    t.notMatch(found.stderr, /\n {4}at /, 'no stack trace');
  }
});
