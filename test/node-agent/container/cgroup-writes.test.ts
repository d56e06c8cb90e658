/**
 * What is written into a new cgroup, in which order, on each kind of machine: recorded by a fake that refuses what the
 * kernel refuses. So v2's controllers are tested where a machine has none of them.
 */
import t from 'tap';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import { createSteps } from '#node-agent/container/cgroups.ts';
import { machines } from '../../support/cgroup-fake.ts';
import { inherited, limitsOf, made, path } from './cgroup-machine.ts';

const device = { major: 8, minor: 0 };
const everything: Resources = {
  cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 10_000, cpus: '0-1', mems: '0' },
  memory: { limit: 100, swap: 150, reservation: 50 },
  pids: { limit: 7 },
  blockIO: {
    weight: 500,
    throttleReadBpsDevice: [{ ...device, rate: 1 }],
    throttleWriteBpsDevice: [{ ...device, rate: 2 }],
    throttleReadIOPSDevice: [{ ...device, rate: 3 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 4 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 2 << 20 }],
};

const v1Limits = [
  'cpu.shares 512',
  'cpu.cfs_burst_us 0',
  'cpu.cfs_quota_us -1',
  'cpu.cfs_period_us 100000',
  'cpu.cfs_quota_us 50000',
  'cpu.cfs_burst_us 10000',
  'memory.memsw.limit_in_bytes -1',
  'memory.limit_in_bytes 100',
  'memory.memsw.limit_in_bytes 150',
  'memory.soft_limit_in_bytes 50',
  'pids.max 7',
  'cpuset.cpus 0-1',
  'cpuset.mems 0',
  'blkio.bfq.weight 500',
  'blkio.throttle.read_bps_device 8:0 1',
  'blkio.throttle.write_bps_device 8:0 2',
  'blkio.throttle.read_iops_device 8:0 3',
  'blkio.throttle.write_iops_device 8:0 4',
];
const huge = (file: string) => [`hugetlb.2MB.${file} 2097152`, `hugetlb.2MB.rsvd.${file} 2097152`];

t.test('every controller at once, at the start', async (t) => {
  t.strictSame(limitsOf(made('v1', everything)), [
    ...inherited,
    ...v1Limits,
    ...huge('limit_in_bytes'),
  ]);
  t.strictSame(limitsOf(made('hybrid', everything)), [...inherited, ...v1Limits, ...huge('max')]);
  t.strictSame(limitsOf(made('v2', everything)), [
    'cpu.weight 59',
    'cpu.max.burst 0',
    'cpu.max 50000 100000',
    'cpu.max.burst 10000',
    'memory.swap.max 50',
    'memory.max 100',
    'memory.low 50',
    'pids.max 7',
    'cpuset.cpus 0-1',
    'cpuset.mems 0',
    'io.bfq.weight 500',
    'io.max 8:0 rbps=1',
    'io.max 8:0 wbps=2',
    'io.max 8:0 riops=3',
    'io.max 8:0 wiops=4',
    ...huge('max'),
  ]);
});

t.test('what is above a container hands down, and has no processes', async (t) => {
  const { writes } = made('v2', everything);
  const down = '+cpu +memory +pids +io +cpuset';
  t.strictSame(
    writes.filter((line) => line.includes('subtree_control')),
    [
      `/cg/cgroup.subtree_control ${down}`,
      `/cg/pod/cgroup.subtree_control ${down}`,
      '/cg/cgroup.subtree_control +hugetlb',
      '/cg/pod/cgroup.subtree_control +hugetlb',
    ],
  );
  t.throws(
    () => {
      const fake = made('v2');
      fake.run(createSteps(machines.v2, path));
    },
    /EBUSY/,
    'the fake knows that rule',
  );
});

t.test('v1 alone: network classes, remote memory, real time', async (t) => {
  const wanted: Resources = {
    cpu: { realtimePeriod: 1_000_000, realtimeRuntime: 1000 },
    memory: { swappiness: 10, disableOOMKiller: true, kernelTCP: 4096 },
    network: { classID: 0x10001, priorities: [{ name: 'lo', priority: 3 }] },
    rdma: { mlx5_0: { hcaHandles: 3, hcaObjects: 5 } },
  };
  t.strictSame(limitsOf(made('v1', wanted)), [
    'cpu.rt_period_us 1000000',
    'cpu.rt_runtime_us 1000',
    'memory.kmem.tcp.limit_in_bytes 4096',
    'memory.swappiness 10',
    'memory.oom_control 1',
    'rdma.max mlx5_0 hca_handle=3 hca_object=5',
    'net_cls.classid 65537',
    'net_prio.ifpriomap lo 3',
  ]);
});
