/** `bay get` shows what the real kubectl shows, letter by letter, in every form. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { waitFor } from '../support/cluster.ts';
import { makeDescribed } from '../support/described-objects.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(180_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
await makeDescribed(client);
await client.request('POST', '/api/v1/namespaces', { metadata: { name: 'other' } });
await client.request('POST', '/api/v1/namespaces/other/configmaps', { metadata: { name: 'far' } });

/** Texts that YAML must quote in one way or another, and those that it must not. */
const texts = [
  ...[
    '',
    ' ',
    'true',
    'Yes',
    'off',
    'null',
    '~',
    '1',
    '1.0',
    '1e3',
    '0x1f',
    '0o7',
    '012',
    '1_000',
    '.5',
    '+1',
  ],
  ...[
    '2020-01-02',
    '2020-01-02T03:04:05Z',
    '12:30',
    '1:2:3',
    'a: b',
    'a:b',
    'a #b',
    'a#b',
    '# a',
    '- a',
    '-',
    '-a',
  ],
  ...[
    '? a',
    '*a',
    '&a',
    '!a',
    '|',
    '>',
    '%a',
    '@a',
    '`a',
    '"a"',
    "it's",
    "'a'",
    '{a}',
    '[a]',
    'a,b',
    'a]',
    ' lead',
    'trail ',
  ],
  ...[
    'one\ntwo',
    'one\ntwo\n',
    'one\n\n',
    '\nlead',
    ' lead\nx',
    'trail \nx',
    'a\tb',
    '\ta',
    'a\\b',
    'größer',
    '日本',
    '😀',
    '\u0007',
    '\u00a0',
  ],
  ...[
    '---',
    '--- a',
    '...',
    '=',
    '<<',
    '.inf',
    '.nan',
    'NaN',
    'y',
    'n',
    'a'.repeat(200),
    `${'word '.repeat(40)}end`,
    'a\r\nb',
    'x:',
  ],
];
await client.request('POST', '/api/v1/namespaces/default/configmaps', {
  metadata: { name: 'odd' },
  data: Object.fromEntries(texts.map((text, i) => [`k${i}`, text])),
  binaryData: Object.fromEntries(
    ['a10', 'a2', 'ab', 'a-1', 'A', 'a_b', '1', '01', 'x.y'].map((key) => [key, 'AA==']),
  ),
});

const bay = bayFor(server.kubeconfig);
const newest = kubectlReleases().at(-1);
const skip = newest === undefined && 'needs kubectl';
const folder = scratch('get')();
writeFileSync(`${folder}/columns`, 'NAME PHASE\nmetadata.name .status.phase\n');
writeFileSync(`${folder}/path`, '{.metadata.name}');
mkdirSync(`${folder}/below`);
const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: full}\n';
writeFileSync(`${folder}/below/pod.yaml`, pod);
writeFileSync(`${folder}/kustomization.yaml`, 'resources: [below/pod.yaml]\n');

/** Ages move while a test runs. */
const still = (text: string): string => text.replaceAll(/(?<=[\s(])\d+s(?=\s|$)/g, '0s');

t.test('as kubectl', { skip }, async (t) => {
  const kubectl = kubectlFor(server.kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  const cases = [
    ['pods'],
    ['pod', 'full', '-o', 'wide'],
    ['po,svc,deploy'],
    ['pod/full', 'deployment/web'],
    ['all'],
    ['cm', '-A'],
    ['cm', '-A', '--no-headers'],
    ['rs', '--show-labels', '-L', 'app,tier'],
    ['rs', '-l', 'app=web', '--sort-by=.spec.replicas'],
    ['rs', '--sort-by=metadata.name', '-o', 'name'],
    ['nodes', '-owide'],
    ['pods', '--field-selector=status.phase=Failed'],
    ['pods', '-n', 'other'],
    ['pod', 'absent', '--ignore-not-found'],
    ['pod', '--show-kind'],
    ['cm', 'odd', '-o', 'yaml'],
    ['cm', 'odd', '-ojson'],
    ['deploy', 'web', '-o=yaml', '--show-managed-fields'],
    ['deploy,rs', '-o', 'json'],
    ['pods,cm', '-o', 'name', '-A'],
    ['pod', 'full', 'absent', '-o', 'name'],
    [
      'pod',
      'full',
      '-o',
      'custom-columns=NAME:.metadata.name,IMAGES:.spec.containers[*].image,NONE:.x',
    ],
    ['pods', '-o', `custom-columns-file=${folder}/columns`],
    ['pods', '-o', `jsonpath-file=${folder}/path`],
    ['rs', '-o', 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.spec.replicas}{"\\n"}{end}'],
    ['rs', '-o', 'jsonpath-as-json={.items[*].metadata.labels}'],
    ['rs', '-o', 'go-template={{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}'],
    ['pod', 'full', '--template={{.metadata.name}} {{.spec.nodeName}}'],
    ['-f', `${folder}/below/pod.yaml`],
    ['-k', folder, '-o', 'name'],
    ['-R', '-f', `${folder}/below`, '-o', 'name'],
    ['deploy/web', '--subresource=scale', '-o', 'jsonpath={.spec.replicas}'],
    ['--raw', '/healthz'],
  ];
  for (const words of cases) {
    const theirs = await kubectl(['get', ...words]);
    const ours = await bay('get', ...words);
    t.strictSame(still(ours.stdout).split('\n'), still(theirs.stdout).split('\n'), words.join(' '));
    t.equal(ours.code, theirs.code, `${words.join(' ')}: ${ours.stderr} ${theirs.stderr}`);
    if (theirs.stderr.startsWith('No resources')) t.equal(ours.stderr, theirs.stderr);
  }
});

t.test('--watch shows what is there, then each change', async (t) => {
  const main = new URL('../../cli/main.ts', import.meta.url).pathname;
  const words = ['get', 'cm', '-l', 'seen=yes', '-w', '--kubeconfig', server.kubeconfig];
  const path = '/api/v1/namespaces/default/configmaps';
  const make = (name: string) =>
    client.request('POST', path, { metadata: { name, labels: { seen: 'yes' } } });
  await make('first');
  const watching = spawn(process.execPath, [main, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  watching.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  const ended = new Promise<number | null>((done) => watching.once('close', done));
  const until = (what: RegExp) =>
    waitFor(`${what} in the output`, async () => (what.test(out) ? true : undefined));
  await until(/^NAME +DATA +AGE\nfirst +0 +\d+s\n/);
  await make('second-with-a-longer-name');
  await until(/second-with-a-longer-name +0 +\d+s\n/);
  await client.request('PUT', `${path}/first`, {
    metadata: { name: 'first', labels: { seen: 'yes' } },
    data: { a: '1' },
  });
  await until(/\nfirst +1 +\d+s\n/);
  await client.request('DELETE', `${path}/first`);
  await until(/(\nfirst +1 +\d+s){2}\n/);
  watching.kill('SIGINT');
  t.equal(await ended, 0);
});

t.test('what cannot be shown is told', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /you must specify the type of resource to get/],
    [['pods', '-o', 'odd'], 2, /unable to match a printer suitable for the output format "odd"/],
    [['pods', '-o', 'jsonpath={.a'], 2, /error parsing jsonpath \{\.a, unclosed action/],
    [['pods', '-o', 'custom-columns'], 2, /no custom columns given/],
    [['pods', '-o', 'go-template={{'], 2, /template parsing error/],
    [['pods', '--field-selector=odd.field=1'], 1, /BadRequest/],
    [['pods', '--sort-by=.absent'], 2, /couldn't find any field with path/],
    [['pods', 'full', '-A'], 2, /cannot be retrieved by name across all namespaces/],
    [['pods,cm', '-w'], 2, /single resource type/],
    [['pods/'], 2, /must have a single resource and name/],
    [['-f', `${folder}/columns`], 1, /columns:1/],
  ];
  for (const [words, code, stderr] of cases) {
    const found = await bay('get', ...words);
    t.match(found, { code, stderr }, words.join(' '));
    t.notMatch(found.stderr, /\n {4}at /, 'no stack trace');
  }
});
