/** Fields of a container that an image or a document may have filled with anything: refused with a reason, or harmless. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { run, startNode, stopNode, traces } from '../node.ts';
import { buildRacer } from './racer.ts';

const node = await startNode('fields');
t.teardown(() => stopNode(node));
const victim = `${node.directory}/victim`;
mkdirSync(victim);
writeFileSync(`${victim}/file`, 'of the host');

const user = (uid: number, gid = 0, groups: readonly number[] = []) => ({
  user: { uid, gid, groups },
});

t.test('numbers that the kernel would take for others (CVE-2024-40635)', async (t) => {
  for (const number of [2 ** 32, -1, 2 ** 32 - 1, 1.5, Number.NaN, 1e99, 2 ** 53]) {
    for (const change of [user(number), user(1, number), user(1, 1, [number])]) {
      const started = run(node, 'id', change).then(
        ({ text }) => text,
        () => 'refused',
      );
      t.equal(await started, 'refused', JSON.stringify(change));
    }
  }
  const { text } = await run(node, 'id -u; id -g; id -G', user(2 ** 31 - 1, 2 ** 31, [7]));
  t.equal(text, '2147483647\n2147483648\n2147483648 7\n');
});

/** What /proc/self/status says of who a process is; `inheritable` is always empty (CVE-2022-24769, CVE-2022-29162). */
const whoIsIt =
  'sed -n "s/^Groups:[[:space:]]*/groups /p; s/^Cap\\(...\\):\\t0*/\\1 /p" /proc/self/status';
const identities: [string, Partial<ContainerSpec>, string][] = [
  ['root', {}, 'groups|Inh |Prm a80425fb|Eff a80425fb|Bnd a80425fb|Amb '],
  ['a user', user(5, 6), 'groups|Inh |Prm |Eff |Bnd a80425fb|Amb '],
  [
    'a user with groups (CVE-2023-25173)',
    user(5, 6, [7, 8]),
    'groups 7 8|Inh |Prm |Eff |Bnd a80425fb|Amb ',
  ],
  [
    'root with one capability',
    { capabilities: ['CAP_KILL'] },
    'groups|Inh |Prm 20|Eff 20|Bnd 20|Amb ',
  ],
  [
    'a user with one capability',
    { capabilities: ['CAP_KILL'], ...user(5) },
    'groups|Inh |Prm |Eff |Bnd 20|Amb ',
  ],
  ['nobody with none', { capabilities: [], ...user(65534) }, 'groups|Inh |Prm |Eff |Bnd |Amb '],
];
for (const [who, change, expected] of identities) {
  t.test(`groups and capabilities of ${who}`, async (t) => {
    const { text } = await run(node, whoIsIt, change);
    t.equal(
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.trimEnd())
        .join('|'),
      expected
        .split('|')
        .map((word) => word.trimEnd())
        .join('|'),
    );
  });
}

t.test('a working directory in somebody’s descriptors (CVE-2024-21626)', async (t) => {
  const places = ['/proc/1/cwd', '/proc/self/root/..', '/proc/self/cwd', '/proc/thread-self/fd/4'];
  for (let fd = 3; fd < 16; fd++) places.push(`/proc/self/fd/${fd}`, `/tmp/../proc/self/fd/${fd}/`);
  for (const cwd of places) {
    const looks = run(node, 'pwd; ls; ls ..; ls ../..', { cwd }).then(
      ({ text }) => text,
      () => 'refused',
    );
    t.notMatch(await looks, /victim|container\.json|supervisor|exit/, cwd);
  }
});

t.test('a working directory, a host name, a target: relative, empty, endless', async (t) => {
  for (const cwd of ['', `/${'x/'.repeat(3000)}`, `/${'y'.repeat(300)}`]) {
    await t.rejects(run(node, 'true', { cwd }), { name: 'StartError' }, cwd.slice(0, 20));
  }
  for (const hostname of ['h'.repeat(65), 'h'.repeat(100_000)]) {
    await t.rejects(run(node, 'true', {}, { hostname }), /sethostname/);
  }
  const target = (at: string) => ({
    mounts: [{ type: 'tmpfs', target: at, readonly: false }] as const,
  });
  for (const at of [
    `/../../..${victim}/x`,
    '/proc/1/root/x',
    '/proc/self/fd/3/x',
    `/${'z'.repeat(300)}`,
  ]) {
    await run(node, 'true', target(at)).catch((error: Error) => t.equal(error.name, 'StartError'));
  }
  t.strictSame(readdirSync(victim), ['file'], 'nothing was made on the host');
});

t.test('arguments and variables: none, empty, with NUL, too long', async (t) => {
  const code = (error: { exitCode?: number }) => error.exitCode ?? error;
  const refusal = (change: Partial<ContainerSpec>) =>
    run(node, 'true', change).then(() => 'started', code);
  t.not(await refusal({ args: [] }), 'started');
  t.equal(await refusal({ args: [''] }), 127);
  t.equal(await refusal({ args: ['a\0b'] }), 128);
  t.equal(await refusal({ env: ['A=b\0C=d'] }), 128);
  t.equal(await refusal({ args: ['true', 'x'.repeat(200_000)] }), 128);
  t.equal(
    await refusal({ env: Array.from({ length: 40 }, (_, n) => `V${n}=${'x'.repeat(100_000)}`) }),
    128,
  );
  const odd = await run(node, 'env | sort | head -3', {
    env: ['=x', 'novalue', 'A=1', 'PATH=/bin'],
  });
  t.match(odd.text, /^A=1$/m);
});

t.test('cgroups cannot be left or listened to (CVE-2022-0492)', async (t) => {
  const script = `exec 2>&1; find /sys/fs/cgroup -name release_agent -o -name cgroup.procs | while read f; do
      [ -w $f ] && { echo 0 >$f || echo closed; }; done
    mkdir /tmp/c; mount -t cgroup -o memory none /tmp/c && echo mounted; mount -t cgroup2 none /tmp/c && echo mounted
    unshare -UrmC sh -c 'mount -t cgroup -o memory none /tmp/c && echo mounted'; mkdir /sys/fs/cgroup/memory/x && echo made; echo end`;
  for (const [change, sandbox] of [
    [{}, {}],
    [{ unmasked: true }, {}],
    [{}, { userNamespace: 'auto' as const }],
    [{ unmasked: true, capabilities: ['CAP_SYS_ADMIN'] }, { userNamespace: 'auto' as const }],
  ] as const) {
    const { text } = await run(node, script, change, sandbox);
    t.match(text, /end\n$/);
    t.notMatch(text, /^(mounted|made)$/m, JSON.stringify([change, sandbox]));
    t.notMatch(hostAgents(), /\S/);
  }
});

/** What any v1 hierarchy of the machine would run. */
function hostAgents(): string {
  const paths = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}/release_agent`);
  return paths
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
    .trim();
}

t.test('a tree deeper than any path is long is removed with its layer', async (t) => {
  const mounts = [
    { type: 'bind', source: buildRacer(node), target: '/racer', readonly: true },
  ] as const;
  const args = ['/racer', 'deep', '3000'];
  const { text, spec } = await run(node, '', { args, cwd: '/tmp', mounts });
  t.equal(text, 'deep 3000\n');
  t.notOk(existsSync(spec.layerDir));
});

t.test('nothing is left', async (t) => t.strictSame(traces(node), []));
