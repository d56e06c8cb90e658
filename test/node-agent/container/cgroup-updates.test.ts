/** What an update writes into a cgroup in use, on each kind of machine, in both directions. */
import t from 'tap';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import { inherited, updated } from './cgroup-machine.ts';

const memory = (limit: number, swap: number): Resources => ({ memory: { limit, swap } });

const updates: readonly {
  readonly what: string;
  readonly present: Resources;
  readonly change: Resources;
  readonly v1: readonly string[];
  readonly v2: readonly string[];
}[] = [
  {
    what: 'memory and swap grow',
    present: memory(100, 150),
    change: memory(200, 400),
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 200',
      'memory.memsw.limit_in_bytes 400',
    ],
    v2: ['memory.swap.max 200', 'memory.max 200'],
  },
  {
    what: 'memory and swap shrink',
    present: memory(200, 400),
    change: memory(50, 60),
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 50',
      'memory.memsw.limit_in_bytes 60',
    ],
    v2: ['memory.swap.max 10', 'memory.max 50'],
  },
  {
    what: 'memory alone grows below swap',
    present: memory(100, 400),
    change: { memory: { limit: 300 } },
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 300',
      'memory.memsw.limit_in_bytes 400',
    ],
    v2: ['memory.swap.max 100', 'memory.max 300'],
  },
  {
    what: 'swap alone shrinks to memory',
    present: memory(100, 400),
    change: { memory: { swap: 100 } },
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 100',
      'memory.memsw.limit_in_bytes 100',
    ],
    v2: ['memory.swap.max 0', 'memory.max 100'],
  },
  {
    what: 'no limit any more frees swap, too',
    present: memory(100, 150),
    change: { memory: { limit: -1 } },
    v1: ['memory.memsw.limit_in_bytes -1', 'memory.limit_in_bytes -1'],
    v2: ['memory.swap.max max', 'memory.max max'],
  },
  {
    what: 'a quota below the burst that stands',
    present: { cpu: { quota: 50_000, burst: 40_000 } },
    change: { cpu: { quota: 20_000, burst: 5_000 } },
    v1: [
      'cpu.cfs_burst_us 0',
      'cpu.cfs_quota_us -1',
      'cpu.cfs_period_us 100000',
      'cpu.cfs_quota_us 20000',
      'cpu.cfs_burst_us 5000',
    ],
    v2: ['cpu.max.burst 0', 'cpu.max 20000 100000', 'cpu.max.burst 5000'],
  },
  {
    what: 'a longer period beside the quota that stands',
    present: { cpu: { quota: 50_000, period: 100_000 } },
    change: { cpu: { period: 500_000 } },
    v1: ['cpu.cfs_quota_us -1', 'cpu.cfs_period_us 500000', 'cpu.cfs_quota_us 50000'],
    v2: ['cpu.max 50000 500000'],
  },
  {
    what: 'no idler any more: the shares that stood come back',
    present: { cpu: { shares: 512, idle: 1 } },
    change: { cpu: { idle: 0 } },
    v1: ['cpu.idle 0', 'cpu.shares 512'],
    v2: ['cpu.idle 0', 'cpu.weight 59'],
  },
  {
    what: 'processes alone: nothing else is touched',
    present: { pids: { limit: 5 }, memory: { limit: 100 } },
    change: { pids: { limit: -1 } },
    v1: ['pids.max max'],
    v2: ['pids.max max'],
  },
  {
    what: 'CPUs for the first time',
    present: {},
    change: { cpu: { cpus: '1' } },
    v1: [...inherited, 'cpuset.cpus 1'],
    v2: ['cpuset.cpus 1'],
  },
  {
    what: "v2's swap, counted with the memory that stands",
    present: memory(100, 150),
    change: { unified: { 'memory.swap.max': '20' } },
    v1: [
      'memory.memsw.limit_in_bytes -1',
      'memory.limit_in_bytes 100',
      'memory.memsw.limit_in_bytes 150',
      'memory.memsw.limit_in_bytes 120',
    ],
    v2: ['memory.swap.max 50', 'memory.max 100', 'memory.swap.max 20'],
  },
  {
    what: 'the same devices, said otherwise: no write',
    present: { devices: [{ allow: true, type: 'c', major: 10, minor: 229 }] },
    change: {
      devices: [{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229, access: 'mwr' }],
    },
    v1: [],
    v2: [],
  },
];

for (const { what, present, change, v1, v2 } of updates) {
  t.test(`update: ${what}`, async (t) => {
    t.strictSame(updated('v1', present, change), v1);
    t.strictSame(updated('hybrid', present, change), v1);
    t.strictSame(updated('v2', present, change), v2);
  });
}
