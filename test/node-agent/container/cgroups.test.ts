import t from 'tap';
import {
  cpuWeight,
  deviceSteps,
  limitSteps,
  oomFile,
} from '#node-agent/container/cgroup-limits.ts';
import { createSteps, directoriesOf, hierarchiesOf } from '#node-agent/container/cgroups.ts';

const v1Mounts = `
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
`;
const v2Mount = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n';
const pureV2 = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n';

const v1 = hierarchiesOf(v1Mounts, '');
const hybrid = hierarchiesOf(v1Mounts + v2Mount, 'hugetlb');
const v2 = hierarchiesOf(pureV2, 'cpuset cpu io memory pids');

t.test('controllers mounted together share one directory', async (t) => {
  t.strictSame(directoriesOf(v1, '/a').sort(), [
    '/sys/fs/cgroup/cpu,cpuacct/a',
    '/sys/fs/cgroup/devices/a',
    '/sys/fs/cgroup/memory/a',
    '/sys/fs/cgroup/pids/a',
  ]);
});

t.test('a hybrid machine has its limits on v1 and its identity on v2', async (t) => {
  t.ok(directoriesOf(hybrid, '/a').includes('/sys/fs/cgroup/unified/a'));
  t.strictSame(limitSteps(hybrid, '/a', { memoryBytes: 10 }), [
    ['write', '/sys/fs/cgroup/memory/a/memory.limit_in_bytes', '10'],
  ]);
  t.strictSame(
    createSteps(hybrid, '/a').filter(([what]) => what === 'write'),
    [],
  );
  t.equal(oomFile(hybrid, '/a'), '/sys/fs/cgroup/memory/a/memory.oom_control');
});

t.test('on v2 the controllers are handed down level by level', async (t) => {
  const down = '+cpu +memory +pids';
  t.strictSame(createSteps(v2, '/a/b'), [
    ['write', '/sys/fs/cgroup/cgroup.subtree_control', down],
    ['mkdir', '/sys/fs/cgroup/a', '755'],
    ['write', '/sys/fs/cgroup/a/cgroup.subtree_control', down],
    ['mkdir', '/sys/fs/cgroup/a/b', '755'],
    ['write', '/sys/fs/cgroup/a/b/cgroup.subtree_control', down],
  ]);
});

t.test('every limit is written in the words of its version', async (t) => {
  const wanted = {
    cpuShares: 512,
    cpuQuotaUs: 50_000,
    cpuPeriodUs: 100_000,
    memoryBytes: 1 << 20,
    pids: 7,
  };
  t.strictSame(limitSteps(v2, '/a', wanted), [
    ['write', '/sys/fs/cgroup/a/cpu.weight', String(cpuWeight(512))],
    ['write', '/sys/fs/cgroup/a/cpu.max', '50000 100000'],
    ['write', '/sys/fs/cgroup/a/memory.max', '1048576'],
    ['write', '/sys/fs/cgroup/a/pids.max', '7'],
  ]);
  t.strictSame(limitSteps(v1, '/a', wanted), [
    ['write', '/sys/fs/cgroup/cpu,cpuacct/a/cpu.shares', '512'],
    ['write', '/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us', '100000'],
    ['write', '/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us', '50000'],
    ['write', '/sys/fs/cgroup/memory/a/memory.limit_in_bytes', '1048576'],
    ['write', '/sys/fs/cgroup/pids/a/pids.max', '7'],
  ]);
  t.equal(oomFile(v2, '/a'), '/sys/fs/cgroup/a/memory.events');
});

t.test('shares map to weights as KEP-2254 says', async (t) => {
  for (const [shares, weight] of [
    [0, 1],
    [2, 1],
    [1024, 39],
    [262144, 10000],
    [1e9, 10000],
  ] as const) {
    t.equal(cpuWeight(shares), weight, String(shares));
  }
});

t.test('an unprivileged container is denied every device it was not given', async (t) => {
  const [first, ...rest] = deviceSteps(v1, '/a', { open: false });
  t.strictSame(first, ['write', '/sys/fs/cgroup/devices/a/devices.deny', 'a']);
  t.ok(rest.every(([, path]) => path.endsWith('/devices.allow')));
  t.strictSame(deviceSteps(v1, '/a', { open: true }), []);
  t.strictSame(deviceSteps(v2, '/a', { open: false }), []);
});

t.test('a mount point with a space is found', async (t) => {
  const found = hierarchiesOf('9 1 0:1 / /odd\\040place rw - cgroup2 cgroup rw\n', 'memory');
  t.equal(found.v2, '/odd place');
});
