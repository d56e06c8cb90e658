import { resolve } from 'node:path';
import t from 'tap';
import { telling } from '#cli/commands/drift.ts';
import { type Facts, judge } from '#cli/doctor/judge.ts';
import { run } from '../support/cluster.ts';
import { scratch } from '../support/scratch.ts';

const good: Facts = {
  kernel: '6.1.0-18-amd64',
  isRoot: true,
  fileSystems: ['nodev\tproc', 'nodev\toverlay'],
  cgroup1: [],
  cgroup2: ['cpu', 'memory', 'pids', 'io'],
  sysctls: { 'fs.inotify.max_user_instances': '128', 'kernel.pid_max': '4194304' },
  programs: { etcd: 'etcd Version: 3.4.23', nft: 'nftables v1.0.6', git: 'git version 2.39.5' },
  disk: { place: '/var/lib', freeBytes: 20 * 1024 ** 3, freeInodes: 1_000_000 },
  memoryBytes: 2 * 1024 ** 3,
  clock: { behindMs: -1_000, besideMs: 10 },
  takenPorts: [],
  cluster: { isUp: true, certificateDays: 300 },
};

t.test('a good machine has nothing to be told of', async (t) => {
  t.strictSame([...new Set(judge(good).map(({ state }) => state))], ['ok']);
  const hybrid = judge({
    ...good,
    cgroup2: [],
    cgroup1: ['rw', 'cpu', 'cpuacct', 'memory', 'pids'],
  });
  t.strictSame([...new Set(hybrid.map(({ state }) => state))], ['ok']);
});

const cases: readonly [string, Partial<Facts>, string, RegExp, RegExp][] = [
  ['problem', { isRoot: false }, 'user', /not root/, /sudo/],
  ['problem', { kernel: '5.4.0' }, 'kernel', /older than 5\.10/, /newer kernel/],
  ['problem', { fileSystems: ['ext4'] }, 'kernel', /no overlay/, /modprobe overlay/],
  ['problem', { cgroup2: ['cpu', 'pids'] }, 'cgroups', /no controller memory/, /cgroup_enable/],
  [
    'warning',
    { sysctls: { 'kernel.pid_max': '100' } },
    'sysctl',
    /kernel\.pid_max is 100/,
    /sysctl -w kernel\.pid_max=32768/,
  ],
  [
    'problem',
    { programs: { ...good.programs, nft: undefined } },
    'nft',
    /not on PATH/,
    /apt-get install nftables/,
  ],
  [
    'problem',
    { programs: { ...good.programs, etcd: 'etcd Version: 3.3.1' } },
    'etcd',
    /older than 3\.4/,
    /newer/,
  ],
  [
    'problem',
    { programs: { ...good.programs, etcd: 'etcd Version: 3.5.1' } },
    'etcd',
    /may lose data/,
    /3\.5\.3/,
  ],
  [
    'warning',
    { disk: { ...good.disk, freeBytes: 2 * 1024 ** 3 } },
    'disk',
    /2\.0 GiB free at \/var\/lib/,
    /prune/,
  ],
  ['problem', { disk: { ...good.disk, freeBytes: 1_000 } }, 'disk', /0\.0 GiB/, /--data-dir/],
  ['problem', { disk: { ...good.disk, freeInodes: 5 } }, 'disk', /5 inodes/, /prune/],
  ['warning', { memoryBytes: 1_000 }, 'memory', /available/, /more/],
  ['problem', { clock: { behindMs: 100_000 } }, 'clock', /100 s behind/, /timesyncd/],
  ['warning', { clock: { behindMs: 0, besideMs: -90_000 } }, 'clock', /-90 s/, /timesyncd/],
  ['problem', { takenPorts: [6443] }, 'ports', /listens on 6443/, /ss -ltnp/],
  [
    'problem',
    { cluster: { isUp: true, problem: 'no answer' } },
    'cluster',
    /no answer/,
    /bay status/,
  ],
  ['warning', { cluster: { isUp: true, certificateDays: 3 } }, 'certificates', /3 days/, /bay up/],
];

for (const [state, facts, what, says, fix] of cases) {
  t.test(`${what}: ${says.source}`, async (t) => {
    const found = judge({ ...good, ...facts }).filter((one) => one.state !== 'ok');
    t.match(found, [{ what, state, says, fix }]);
    t.equal(found.length, 1);
  });
}

t.test('this machine is looked at, and nothing is made', async (t) => {
  const main = resolve(import.meta.dirname, '../../cli/main.ts');
  const place = scratch('doctor')();
  const env = { BAY_DATA_DIR: `${place}/data`, BAY_RUN_DIR: `${place}/run` };
  const { code, stdout, stderr } = await run(process.execPath, [main, 'doctor'], { env });
  t.equal(stderr, '');
  t.equal(code, stdout.includes('PROBLEM') ? 1 : 0);
  t.match(stdout, /^(ok|PROBLEM) +kernel +/m);
  t.match(stdout, /^ok +cluster +is not up; start it with 'bay up'$/m);
});

t.test('directories that changed by what is in them are not told of', async (t) => {
  const change = (Kind: 0 | 1 | 2, Path: string) => ({ Kind, Path });
  t.strictSame(
    telling([change(0, '/etc'), change(1, '/etc/a'), change(0, '/e'), change(2, '/x')]),
    [change(1, '/etc/a'), change(0, '/e'), change(2, '/x')],
  );
});
