/** cgroup v1's files, and what its controllers refuse. */

import type { Directory, FileSet, Verdict } from './cgroup-fake.ts';

/** No limit: the kernel's largest number of pages. */
const unlimited = '9223372036854771712';

const throttles = ['read_bps', 'write_bps', 'read_iops', 'write_iops'];

/** Each controller's files in a new directory. */
const filesOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: {
    'cpu.shares': '1024',
    'cpu.idle': '0',
    'cpu.cfs_quota_us': '-1',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_burst_us': '0',
    'cpu.rt_period_us': '1000000',
    'cpu.rt_runtime_us': '0',
  },
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '' },
  memory: {
    'memory.limit_in_bytes': unlimited,
    'memory.memsw.limit_in_bytes': unlimited,
    'memory.soft_limit_in_bytes': unlimited,
    'memory.kmem.tcp.limit_in_bytes': unlimited,
    'memory.swappiness': '60',
    'memory.oom_control': '0',
  },
  pids: { 'pids.max': 'max' },
  devices: { 'devices.allow': '', 'devices.deny': '' },
  blkio: {
    'blkio.bfq.weight': '100',
    'blkio.bfq.weight_device': '',
    ...Object.fromEntries(throttles.map((name) => [`blkio.throttle.${name}_device`, ''])),
  },
  hugetlb: {
    'hugetlb.2MB.limit_in_bytes': unlimited,
    'hugetlb.2MB.rsvd.limit_in_bytes': unlimited,
  },
  net_cls: { 'net_cls.classid': '0' },
  net_prio: { 'net_prio.ifpriomap': '' },
  rdma: { 'rdma.max': '' },
};

class V1Directory implements Directory {
  readonly files: Map<string, string>;
  readonly above: Directory | undefined;

  constructor(names: readonly string[], above: Directory | undefined) {
    this.above = above;
    this.files = new Map(names.flatMap((name) => Object.entries(filesOf[name] ?? {})));
    if (above !== undefined || !names.includes('cpuset')) return;
    this.files.set('cpuset.cpus', '0-3');
    this.files.set('cpuset.mems', '0');
  }

  #number(file: string): number {
    const text = this.files.get(file) ?? '';
    return text === unlimited || text === '-1' ? Number.POSITIVE_INFINITY : Number(text);
  }

  write(file: string, value: string): Verdict {
    const verdict = this.#verdict(file, value);
    if (verdict !== undefined) return verdict;
    const isBytes = file.endsWith('limit_in_bytes');
    this.files.set(file, isBytes && value === '-1' ? unlimited : value);
    if (file === 'cpu.idle' && value === '0') this.files.set('cpu.shares', '1024');
    return;
  }

  /** Comments say where in the kernel. */
  #verdict(file: string, value: string): Verdict {
    const number = value === '-1' ? Number.POSITIVE_INFINITY : Number(value);
    switch (file) {
      // mm/memcontrol-v1.c, mem_cgroup_resize_max: memory alone is never more than memory with swap.
      case 'memory.limit_in_bytes':
        return number > this.#number('memory.memsw.limit_in_bytes') ? 'EINVAL' : undefined;
      case 'memory.memsw.limit_in_bytes':
        return number < this.#number('memory.limit_in_bytes') ? 'EINVAL' : undefined;
      // kernel/sched/core.c, tg_set_cfs_bandwidth.
      case 'cpu.cfs_quota_us':
        if (Number.isFinite(number) && number < 1000) return 'EINVAL';
        return number < this.#number('cpu.cfs_burst_us') ? 'EINVAL' : undefined;
      case 'cpu.cfs_burst_us':
        return number > this.#number('cpu.cfs_quota_us') ? 'EINVAL' : undefined;
      case 'cpu.cfs_period_us':
        return number < 1000 || number > 1_000_000 ? 'EINVAL' : undefined;
      // kernel/sched/fair.c, sched_group_set_shares: one that is idle has no weight.
      case 'cpu.shares':
        return this.files.get('cpu.idle') === '1' ? 'EINVAL' : undefined;
      // kernel/cgroup/pids.c, pids_max_write.
      case 'pids.max':
        return value === 'max' || /^\d+$/.test(value) ? undefined : 'EINVAL';
      // kernel/cgroup/cpuset-v1.c: a part of what is above.
      case 'cpuset.cpus':
        return this.above?.files.get(file) === '' ? 'EACCES' : undefined;
    }
    return;
  }
}

export class V1Files implements FileSet {
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  make(parent: Directory | undefined): Directory {
    return new V1Directory(this.#names, parent);
  }

  /** kernel/cgroup/cpuset.c, cpuset_can_attach: nobody joins one that has no CPU or no memory. */
  join({ files }: Directory): Verdict {
    return files.get('cpuset.cpus') === '' || files.get('cpuset.mems') === ''
      ? 'ENOSPC'
      : undefined;
  }
}
