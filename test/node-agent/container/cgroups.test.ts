import t from 'tap';
import { devicePolicy, deviceSteps } from '#node-agent/container/cgroup-devices.ts';
import { isFrozen } from '#node-agent/container/cgroup-files.ts';
import { cpuWeight, limitSteps, oomFile } from '#node-agent/container/cgroup-limits.ts';
import { victimsIn } from '#node-agent/container/cgroup-oom.ts';
import { mergeResources } from '#node-agent/container/cgroup-resources.ts';
import { cpuShares } from '#node-agent/container/cgroup-unified.ts';
import {
  createLeafSteps,
  createSteps,
  directoriesOf,
  hierarchiesOf,
} from '#node-agent/container/cgroups.ts';

const v1Mounts = `
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
38 31 0:35 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
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
    '/sys/fs/cgroup/blkio/a',
    '/sys/fs/cgroup/cpu,cpuacct/a',
    '/sys/fs/cgroup/devices/a',
    '/sys/fs/cgroup/memory/a',
    '/sys/fs/cgroup/pids/a',
  ]);
});

t.test('a hybrid machine has its limits on v1 and its identity on v2', async (t) => {
  t.ok(directoriesOf(hybrid, '/a').includes('/sys/fs/cgroup/unified/a'));
  t.strictSame(limitSteps(hybrid, '/a', { memory: { limit: 10 } }), [
    ['write', '/sys/fs/cgroup/memory/a/memory.limit_in_bytes', '10'],
  ]);
  t.strictSame(
    createSteps(hybrid, '/a').filter(([what]) => what === 'write'),
    [],
  );
  t.equal(oomFile(hybrid, '/a'), '/sys/fs/cgroup/memory/a/memory.oom_control');
});

t.test('on v2 the controllers are handed down level by level', async (t) => {
  const down = '+cpu +memory +pids +io +cpuset';
  t.strictSame(createSteps(v2, '/a/b'), [
    ['write', '/sys/fs/cgroup/cgroup.subtree_control', down],
    ['mkdir', '/sys/fs/cgroup/a', '755'],
    ['write', '/sys/fs/cgroup/a/cgroup.subtree_control', down],
    ['mkdir', '/sys/fs/cgroup/a/b', '755'],
    ['write', '/sys/fs/cgroup/a/b/cgroup.subtree_control', down],
  ]);
});

t.test('a v1 cpuset is joined on demand, and filled from the top', async (t) => {
  const wanted = { cpu: { cpus: '0' } };
  t.notOk(directoriesOf(v1, '/a').some((path) => path.includes('cpuset')));
  t.ok(directoriesOf(v1, '/a', wanted).includes('/sys/fs/cgroup/cpuset/a'));
  t.strictSame(createLeafSteps(v1, '/a/b', wanted).slice(-6), [
    ['mkdir', '/sys/fs/cgroup/cpuset/a', '755'],
    ['inherit', '/sys/fs/cgroup/cpuset/a/cpuset.cpus', ''],
    ['inherit', '/sys/fs/cgroup/cpuset/a/cpuset.mems', ''],
    ['mkdir', '/sys/fs/cgroup/cpuset/a/b', '755'],
    ['inherit', '/sys/fs/cgroup/cpuset/a/b/cpuset.cpus', ''],
    ['inherit', '/sys/fs/cgroup/cpuset/a/b/cpuset.mems', ''],
  ]);
});

t.test('a rare v2 controller is handed down when a limit needs it', async (t) => {
  const wanted = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] };
  const unified = '/sys/fs/cgroup/unified';
  t.strictSame(
    createLeafSteps(hybrid, '/a/b', wanted).filter(([what]) => what === 'write'),
    [
      ['write', `${unified}/cgroup.subtree_control`, '+hugetlb'],
      ['write', `${unified}/a/cgroup.subtree_control`, '+hugetlb'],
    ],
  );
  t.match(limitSteps(hybrid, '/a/b', wanted), [
    ['write', `${unified}/a/b/hugetlb.2MB.max`, '0'],
    ['write-either', `${unified}/a/b`, /^hugetlb.2MB.rsvd.max=0/],
  ]);
});

t.test('an update replaces the fields it has and leaves the others', async (t) => {
  const present = { cpu: { shares: 5, quota: 9 }, pids: { limit: 3 } };
  t.strictSame(mergeResources(present, { cpu: { quota: 8 } }), {
    cpu: { shares: 5, quota: 8 },
    pids: { limit: 3 },
  });
});

t.test('shares map to weights so that the defaults meet, and back', async (t) => {
  for (const [shares, weight] of [
    [0, 1],
    [2, 1],
    [1024, 100],
    [262144, 10000],
    [1e9, 10000],
  ] as const) {
    t.equal(cpuWeight(shares), weight, String(shares));
  }
  for (const weight of [1, 2, 39, 100, 5000, 10000]) {
    t.equal(cpuWeight(cpuShares(weight)), weight, `weight ${weight}`);
  }
});

t.test('an unprivileged container is denied every device it was not given', async (t) => {
  const [first, ...rest] = deviceSteps(v1, '/a', { privileged: false });
  t.strictSame(first, ['write', '/sys/fs/cgroup/devices/a/devices.deny', 'a']);
  t.ok(rest.every(([, path]) => path.endsWith('/devices.allow')));
  t.strictSame(deviceSteps(v1, '/a', { privileged: true }), []);
  t.match(deviceSteps(v2, '/a', { privileged: false }), [
    ['devices', '/sys/fs/cgroup/a', /^[0-9a-f]+$/],
  ]);
});

t.test('device rules count in order, as v1 keeps them', async (t) => {
  const all = { allow: true, type: 'a' } as const;
  const disk = { type: 'b', major: 8, minor: 0 } as const;
  t.strictSame(devicePolicy([{ ...disk, allow: true }, all]), { allowsAll: true, exceptions: [] });
  const { allowsAll, exceptions } = devicePolicy([
    all,
    { ...disk, allow: false, access: 'rw' },
    { ...disk, allow: true, access: 'r' },
  ]);
  t.ok(allowsAll);
  t.strictSame(exceptions, [{ ...disk, access: new Set(['w']) }]);
});

t.test('the victims of a cgroup are read from the kernel’s words', async (t) => {
  const say = (cgroup: string, task: string) =>
    `6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/x,task_memcg=${cgroup},task=${task},pid=7,uid=0`;
  const messages = [
    say('/w/pod1/c1', 'a,b c'),
    say('/w/pod1/c2', 'other'),
    say('/w/pod1/c1/sub', 'deep'),
  ];
  t.strictSame(victimsIn(messages, '/pod1/c1'), [
    { pid: 7, name: 'a,b c' },
    { pid: 7, name: 'deep' },
  ]);
});

t.test('what is not there is not frozen', async (t) => {
  const freezer = '/sys/fs/cgroup/not-there';
  t.notOk(await isFrozen({ v1: { freezer }, v1Mounts: [freezer], v2Controllers: [] }, '/a'));
  t.notOk(await isFrozen({ v1: {}, v1Mounts: [], v2Controllers: [] }, '/a'));
  t.notOk(await isFrozen({ v1: {}, v1Mounts: [], v2: freezer, v2Controllers: [] }, '/a'));
});

t.test('a mount point with a space is found', async (t) => {
  const found = hierarchiesOf('9 1 0:1 / /odd\\040place rw - cgroup2 cgroup rw\n', 'memory');
  t.equal(found.v2, '/odd place');
});
