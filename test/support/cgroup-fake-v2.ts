/** cgroup v2's files, and what the kernel refuses. */

import type { Directory, FileSet, Verdict } from './cgroup-fake.ts';

/** Each controller's files in a new directory, by the name that `cgroup.subtree_control` knows. */
const filesOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: {
    'cpu.weight': '100',
    'cpu.idle': '0',
    'cpu.max': 'max 100000',
    'cpu.max.burst': '0',
  },
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '' },
  memory: {
    'memory.max': 'max',
    'memory.high': 'max',
    'memory.low': '0',
    'memory.swap.max': 'max',
  },
  pids: { 'pids.max': 'max' },
  io: { 'io.max': '', 'io.bfq.weight': 'default 100' },
  hugetlb: { 'hugetlb.2MB.max': 'max', 'hugetlb.2MB.rsvd.max': 'max' },
  rdma: { 'rdma.max': '' },
};

const isAmount = (value: string): boolean => value === 'max' || /^\d+$/.test(value);
const quotaOf = (cpuMax: string): number =>
  cpuMax.startsWith('max') ? Number.POSITIVE_INFINITY : Number(cpuMax.split(' ')[0]);

class V2Directory implements Directory {
  readonly files = new Map([['cgroup.subtree_control', '']]);
  readonly isRoot: boolean;
  hasProcesses = false;
  /** What may be handed down. */
  readonly #controllers: () => ReadonlySet<string>;
  readonly #below: V2Directory[] = [];

  constructor(machine: ReadonlySet<string>, above: V2Directory | undefined) {
    this.isRoot = above === undefined;
    this.#controllers = above === undefined ? () => machine : () => above.handedDown();
    if (above === undefined) return;
    above.#below.push(this);
    this.#add(this.#controllers());
  }

  #add(names: Iterable<string>): void {
    for (const name of names) {
      for (const [file, value] of Object.entries(filesOf[name] ?? {})) this.files.set(file, value);
    }
  }

  handedDown(): ReadonlySet<string> {
    return new Set((this.files.get('cgroup.subtree_control') ?? '').split(' ').filter(Boolean));
  }

  write(file: string, value: string): Verdict {
    if (file === 'cgroup.subtree_control') return this.#handDown(value);
    const verdict = this.#verdict(file, value);
    if (verdict === undefined) this.files.set(file, value);
    return verdict;
  }

  /** kernel/cgroup/cgroup.c, cgroup_subtree_control_write: not what is not there, and not where processes are. */
  #handDown(value: string): Verdict {
    const names = value.split(' ').map((word) => word.slice(1));
    const present = this.handedDown();
    const added = names.filter((name) => !present.has(name));
    if (added.some((name) => !this.#controllers().has(name))) return 'ENOENT';
    if (added.length > 0 && this.hasProcesses && !this.isRoot) return 'EBUSY';
    this.files.set('cgroup.subtree_control', [...present, ...added].join(' '));
    for (const child of this.#below) child.#add(added);
    return;
  }

  #verdict(file: string, value: string): Verdict {
    if (/^(memory|pids|hugetlb)\..*(max|low|high)$/.test(file)) {
      return isAmount(value) ? undefined : 'EINVAL';
    }
    switch (file) {
      // kernel/sched/core.c, cpu_max_write and tg_set_cfs_bandwidth.
      case 'cpu.max': {
        const quota = quotaOf(value);
        const period = Number(value.split(' ')[1] ?? 100_000);
        if (period < 1000 || period > 1_000_000 || quota < 1000) return 'EINVAL';
        return quota < Number(this.files.get('cpu.max.burst')) ? 'EINVAL' : undefined;
      }
      case 'cpu.max.burst':
        return Number(value) > quotaOf(this.files.get('cpu.max') ?? '') ? 'EINVAL' : undefined;
      case 'cpu.weight':
        if (this.files.get('cpu.idle') === '1') return 'EINVAL';
        return Number(value) >= 1 && Number(value) <= 10_000 ? undefined : 'ERANGE';
      case 'io.max':
        return /^\d+:\d+( [rw](bps|iops)=(max|\d+))+$/.test(value) ? undefined : 'EINVAL';
    }
    return;
  }
}

/** v2's names for what v1 calls otherwise. */
const v2Name = (controller: string): string => (controller === 'blkio' ? 'io' : controller);

export class V2Files implements FileSet {
  readonly #controllers: ReadonlySet<string>;

  constructor(controllers: readonly string[]) {
    this.#controllers = new Set(controllers.map(v2Name));
  }

  make(parent: Directory | undefined): Directory {
    return new V2Directory(this.#controllers, parent instanceof V2Directory ? parent : undefined);
  }

  /** "No internal processes": who hands controllers down has none. */
  join(directory: Directory): Verdict {
    if (!(directory instanceof V2Directory)) return 'EINVAL';
    if (!directory.isRoot && directory.handedDown().size > 0) return 'EBUSY';
    directory.hasProcesses = true;
    return;
  }
}
