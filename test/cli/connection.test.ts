/** The flags that say which server is asked, and as whom, do what kubectl's do. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { startTestServer } from '../support/api-server.ts';
import { bayFor } from '../support/bay.ts';
import { kubectlFor, kubectlReleases } from '../support/kubectl.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const folder = scratch('connection')();
const newest = kubectlReleases().at(-1);

const own = parse(readFileSync(server.kubeconfig, 'utf8'));
const [{ cluster: here }] = own.clusters;
const [{ user: admin }] = own.users;
const authority = `${folder}/ca.crt`;
writeFileSync(authority, Buffer.from(here['certificate-authority-data'], 'base64'));
const { 'certificate-authority-data': _, ...unknown } = here;
const kubeconfig = `${folder}/kubeconfig`;
writeFileSync(
  kubeconfig,
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'nowhere',
    clusters: [
      { name: 'here', cluster: here },
      { name: 'careless', cluster: { ...unknown, 'insecure-skip-tls-verify': true } },
      { name: 'stranger', cluster: unknown },
      { name: 'gone', cluster: { ...here, server: 'https://127.0.0.1:1' } },
    ],
    users: [
      { name: 'admin', user: admin },
      { name: 'nobody', user: { token: 'is.none' } },
    ],
    contexts: [
      { name: 'nowhere', context: { cluster: 'gone', user: 'admin' } },
      { name: 'works', context: { cluster: 'here', user: 'admin' } },
      { name: 'careless', context: { cluster: 'careless', user: 'admin' } },
      { name: 'stranger', context: { cluster: 'stranger', user: 'admin' } },
      { name: 'refused', context: { cluster: 'here', user: 'nobody' } },
    ],
  }),
);
const bay = bayFor(kubeconfig);
await bayFor(server.kubeconfig)('create', 'serviceaccount', 'default');
const made = await bayFor(server.kubeconfig)('create', 'token', 'default');
const token = made.stdout.trim();

/** The lines of flags, and the user that one is then. */
const works: readonly (readonly [flags: readonly string[], user: string])[] = [
  [['--context=works'], 'kubernetes-admin'],
  [['--context=careless'], 'kubernetes-admin'],
  [['--cluster=here'], 'kubernetes-admin'],
  [['--context=refused', '--user=admin'], 'kubernetes-admin'],
  [['--server', server.url], 'kubernetes-admin'],
  [['-s', server.url], 'kubernetes-admin'],
  [['--context=stranger', `--certificate-authority=${authority}`], 'kubernetes-admin'],
  [['--context=stranger', '--insecure-skip-tls-verify'], 'kubernetes-admin'],
  [['--context=refused', `--token=${token}`], 'system:serviceaccount:default:default'],
  [['--context=works', '--as=jane', '--as-group=a', '--as-group=b'], 'jane'],
  [['--context=works', '--request-timeout=1m'], 'kubernetes-admin'],
];

t.test('who is asked, and as whom', async (t) => {
  for (const [flags, user] of works) {
    const { stdout, stderr } = await bay('auth', 'whoami', '-o', 'json', ...flags);
    const { username } = JSON.parse(stdout === '' ? '{"status":{"userInfo":{}}}' : stdout).status
      .userInfo;
    t.equal(username, user, `${flags.join(' ')}: ${stderr}`);
  }
});

t.test('a token shows who one is, whatever certificate there is', async (t) => {
  const { stdout } = await bay('auth', 'whoami', '--context=works', `--token=${token}`);
  t.match(stdout, /system:serviceaccount:default:default/);
});

t.test('as kubectl', { skip: newest === undefined && 'needs kubectl' }, async (t) => {
  const kubectl = kubectlFor(kubeconfig, newest?.program);
  t.teardown(() => kubectl.close());
  const jane = ['--context=works', '--as=jane'];
  for (const words of [
    ...works.map(([flags]) => ['auth', 'whoami', ...flags]),
    ['auth', 'can-i', 'get', 'pods', ...jane],
    ['auth', 'can-i', 'get', 'pods', ...jane, '--as-group=system:masters'],
    ['get', 'ns', '-o', 'name', ...jane, '--as-group=x', '--as-group=system:masters'],
  ]) {
    const theirs = await kubectl(words);
    const ours = await bay(...words);
    t.equal(ours.stdout, theirs.stdout, `${words.join(' ')}: ${ours.stderr} ${theirs.stderr}`);
    t.equal(ours.code, theirs.code, words.join(' '));
  }
});

/** Each asks the server for something; jane may nothing, and is told so by her name. */
const containerLines: readonly string[][] = [
  ['run', 'busybox'],
  ['create', 'busybox'],
  ['ps'],
  ['exec', 'web', 'ls'],
  ['attach', 'web'],
  ['logs', 'web'],
  ['cp', 'web:/etc', '.'],
  ['start', 'web'],
  ['stop', 'web'],
  ['restart', 'web'],
  ['kill', 'web'],
  ['rm', 'web'],
  ['wait', 'web'],
  ['update', '--memory=64m', 'web'],
  ['rename', 'web', 'other'],
  ['diff', 'web'],
  ['commit', 'web', 'image'],
  ['export', 'web'],
  ['top', 'web'],
  ['port', 'web'],
  ['stats', '--no-stream', 'web'],
  ['drift', 'web'],
  ['images'],
  ['pull', 'busybox'],
];

t.test('commands on containers and images take the flags, too', async (t) => {
  for (const [command = '', ...words] of containerLines) {
    const { code, stderr } = await bay(command, '--context=works', '--as=jane', ...words);
    t.match(stderr, /"jane"/, command);
    t.not(code, 0, command);
  }
});

t.test('what is wrong is told', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const cases: [string[], number, RegExp][] = [
    [['get', 'ns'], 1, /the API server does not answer: .*127\.0\.0\.1:1/],
    [['get', 'ns', '--context=none'], 1, /kubeconfig .*: context "none" does not exist/],
    [['get', 'ns', '--cluster=none'], 1, /kubeconfig .*: cluster "none" does not exist/],
    [['get', 'ns', '--user=none'], 1, /kubeconfig .*: auth info "none" does not exist/],
    [['get', 'ns', '--context=refused'], 1, /Unauthorized/],
    [['get', 'ns', '--context=stranger'], 1, /self.signed certificate/],
    [['get', 'ns', '--context=works', '--as=jane'], 1, /Forbidden.*jane/],
    [['get', 'ns', '--as-group=a'], 2, /without impersonating a user/],
    [
      ['get', 'ns', '--insecure-skip-tls-verify', `--certificate-authority=${authority}`],
      2,
      /with the insecure flag is not allowed/,
    ],
    [['get', 'ns', '--request-timeout=soon'], 2, /--request-timeout 'soon'/],
    [
      ['get', 'ns', `--server=https://127.0.0.1:${port}`, '--request-timeout=50ms'],
      1,
      /GET \/api.*: no answer of https:\/\/127\.0\.0\.1:\d+ within 50 ms/,
    ],
  ];
  for (const [words, code, message] of cases) {
    t.match(await bay(...words), { code, stderr: message }, words.join(' '));
  }
});
