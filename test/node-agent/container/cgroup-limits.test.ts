/** Limits as writes, for v1 and v2: pure, so that v2's are tested where a machine has only v1. */
import t from 'tap';
import { checkResources } from '#node-agent/container/cgroup-check.ts';
import { cpuWeight, limitSteps, unmetLimits } from '#node-agent/container/cgroup-limits.ts';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import { hierarchiesOf } from '#node-agent/container/cgroups.ts';

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
const pureV2 = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n';

const v1 = hierarchiesOf(v1Mounts, '');
const v2 = hierarchiesOf(pureV2, 'cpuset cpu io memory pids');

const files = (hierarchies: typeof v1, wanted: Resources): string[] =>
  limitSteps(hierarchies, '/a', wanted).map(([what, path, value]) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return what === 'write' ? `${name} ${value}` : `${what} ${value}`;
  });

const device = { major: 8, minor: 0 };

const cases: readonly {
  readonly what: string;
  readonly wanted: Resources;
  readonly v1: readonly string[];
  readonly v2: readonly string[];
}[] = [
  {
    what: 'shares, quota and burst, whatever stood before',
    wanted: { cpu: { shares: 512, quota: 50_000, burst: 10_000 } },
    v1: [
      'cpu.shares 512',
      'cpu.cfs_burst_us 0',
      'cpu.cfs_quota_us -1',
      'cpu.cfs_period_us 100000',
      'cpu.cfs_quota_us 50000',
      'cpu.cfs_burst_us 10000',
    ],
    v2: [
      `cpu.weight ${cpuWeight(512)}`,
      'cpu.max.burst 0',
      'cpu.max 50000 100000',
      'cpu.max.burst 10000',
    ],
  },
  {
    what: 'no quota any more',
    wanted: { cpu: { quota: -1 } },
    v1: ['cpu.cfs_quota_us -1', 'cpu.cfs_period_us 100000'],
    v2: ['cpu.max max 100000'],
  },
  {
    what: 'idle has no weight',
    wanted: { cpu: { idle: 1, shares: 100 } },
    v1: ['cpu.idle 1'],
    v2: ['cpu.idle 1'],
  },
  {
    what: 'CPUs and memory nodes',
    wanted: { cpu: { cpus: '0-1', mems: '0' } },
    v1: ['cpuset.cpus 0-1', 'cpuset.mems 0'],
    v2: ['cpuset.cpus 0-1', 'cpuset.mems 0'],
  },
  {
    what: 'memory with swap: v1 counts both, v2 swap alone',
    wanted: { memory: { limit: 100, swap: 150, reservation: 50 } },
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 100',
      'memory.memsw.limit_in_bytes 150',
      'memory.soft_limit_in_bytes 50',
    ],
    v2: ['memory.swap.max 50', 'memory.max 100', 'memory.low 50'],
  },
  {
    what: 'no limit of memory any more',
    wanted: { memory: { limit: -1, swap: -1 } },
    v1: ['memory.memsw.limit_in_bytes -1', 'memory.limit_in_bytes -1'],
    v2: ['memory.swap.max max', 'memory.max max'],
  },
  { what: 'processes', wanted: { pids: { limit: 7 } }, v1: ['pids.max 7'], v2: ['pids.max 7'] },
  {
    what: 'as many processes as wanted',
    wanted: { pids: { limit: -1 } },
    v1: ['pids.max max'],
    v2: ['pids.max max'],
  },
  {
    what: 'block I/O',
    wanted: {
      blockIO: {
        weight: 500,
        throttleReadBpsDevice: [{ ...device, rate: 1024 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 0 }],
      },
    },
    v1: [
      'write-either blkio.bfq.weight=500\nblkio.weight=500',
      'blkio.throttle.read_bps_device 8:0 1024',
      'blkio.throttle.write_iops_device 8:0 0',
    ],
    v2: [
      'write-either io.bfq.weight=500\nio.weight=4950',
      'io.max 8:0 rbps=1024',
      'io.max 8:0 wiops=max',
    ],
  },
  {
    what: 'v2 files in the words of each version',
    wanted: {
      unified: {
        'cpu.max': '20000 50000',
        'memory.max': '100',
        'memory.swap.max': '20',
        'io.max': '8:0 rbps=5 wiops=max',
      },
    },
    v1: [
      'cpu.cfs_quota_us -1',
      'cpu.cfs_period_us 50000',
      'cpu.cfs_quota_us 20000',
      'memory.limit_in_bytes 100',
      'memory.memsw.limit_in_bytes 120',
      'blkio.throttle.read_bps_device 8:0 5',
      'blkio.throttle.write_iops_device 8:0 0',
    ],
    v2: [
      'cpu.max 20000 50000',
      'memory.max 100',
      'memory.swap.max 20',
      'io.max 8:0 rbps=5 wiops=max',
    ],
  },
];

for (const one of cases) {
  t.test(`limits: ${one.what}`, async (t) => {
    t.strictSame(files(v1, one.wanted), one.v1);
    t.strictSame(files(v2, one.wanted), one.v2);
  });
}

t.test('a v2 file that v1 has no words for is refused by name', async (t) => {
  const wanted = { unified: { 'memory.high': '100' } };
  t.throws(() => limitSteps(v1, '/a', wanted), /unified\["memory.high"\].*cgroup v1/);
  t.strictSame(files(v2, wanted), ['memory.high 100']);
  t.throws(
    () => limitSteps(v2, '/a', { unified: { 'misc.max': '1' } }),
    /no such cgroup controller/,
  );
});

t.test('what this machine cannot limit is named', async (t) => {
  const wanted = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }], memory: { swappiness: 5 } };
  t.strictSame(unmetLimits(v1, wanted), [
    'hugepageLimits: this machine has no cgroup controller hugetlb',
  ]);
  t.match(unmetLimits(v2, wanted), [/^hugepageLimits/, /^memory.swappiness: cgroup v2/]);
});

const refused: readonly (readonly [field: string, wanted: Resources])[] = [
  ['cpu.shares', { cpu: { shares: -1 } }],
  ['cpu.quota', { cpu: { quota: 1.5 } }],
  ['cpu.cpus', { cpu: { cpus: '0;1' } }],
  ['cpu.idle', { cpu: { idle: 2 } }],
  ['memory.swap', { memory: { limit: 10, swap: 5 } }],
  ['memory.swap', { memory: { swap: 5 } }],
  ['memory.limit', { memory: { limit: 1e300 } }],
  ['pids.limit', { pids: { limit: Number.NaN } }],
  ['blockIO.weightDevice[0].weight', { blockIO: { weightDevice: [{ ...device, weight: 5000 }] } }],
  ['hugepageLimits[0].pageSize', { hugepageLimits: [{ pageSize: '../x', limit: 1 }] }],
  ['unified["../cgroup.procs"]', { unified: { '../cgroup.procs': '1' } }],
  ['unified["cgroup.procs"]', { unified: { 'cgroup.procs': '1' } }],
  ['devices[0].access', { devices: [{ allow: true, access: 'x' }] }],
  ['network.priorities[0].name', { network: { priorities: [{ name: 'a b', priority: 1 }] } }],
];

for (const [field, wanted] of refused) {
  t.test(`refused: ${field}`, async (t) => {
    t.throws(() => checkResources(wanted), { name: 'ResourceError', field });
  });
}
