/** From `Resources` to the writes that make them true, for a new cgroup as for one in use. Pure. */

import type { Step } from '#native/spawn.ts';
import { blockIoFiles, hugePageFiles } from './cgroup-io.ts';
import type { Resources } from './cgroup-resources.ts';
import { unifiedFiles } from './cgroup-unified.ts';
import { type Controller, controllerDirectory, type Hierarchies } from './cgroups.ts';

export type Version = 1 | 2;
/** One write: the file of the cgroup, and what into it. */
export type CgroupFile = readonly [file: string, content: string];

/** cgroup v1's range of `cpu.shares`. */
const sharesRange = { min: 2, max: 262144 };

/** The kernel's default period of the CPU quota. */
const defaultPeriodUs = 100_000;

const clamp = (value: number, { min, max }: { min: number; max: number }): number =>
  Math.min(Math.max(Math.trunc(value), min), max);

/**
 * From shares (2..262144) to weights (1..10000) so that the defaults meet: 1024 is 100 (the curve of runc 1.4 and
 * crun 1.23, which replaced KEP-2254's straight line that gave 39).
 */
export function cpuWeight(shares: number): number {
  const log = Math.log2(clamp(shares, sharesRange));
  const exponent = (log * log + 125 * log) / 612 - 7 / 34;
  // Rounded up, but not for the last bit of a floating-point number.
  return clamp(Math.ceil(10 ** exponent - 1e-9), { min: 1, max: 10_000 });
}

/** Bytes, processes or microseconds as v2 writes them. */
const orMax = (value: number): string => (value < 0 ? 'max' : String(value));

function cpuFiles({ cpu = {} }: Resources, version: Version): CgroupFile[] {
  const { shares = 0, quota = 0, period = 0, burst, idle } = cpu;
  const files: CgroupFile[] = [];
  const limited = quota !== 0 || period !== 0;
  const burstFile = version === 1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst';
  if (idle !== undefined) files.push(['cpu.idle', String(idle)]);
  if (shares > 0 && idle !== 1) {
    const [file, value] =
      version === 1
        ? ['cpu.shares', clamp(shares, sharesRange)]
        : ['cpu.weight', cpuWeight(shares)];
    files.push([file as string, String(value)]);
  }
  // A burst may not be above the quota, neither the old nor the new one.
  if (burst !== undefined && limited) files.push([burstFile, '0']);
  if (limited && version === 1) {
    // Whatever stood before: without a quota every period is taken.
    files.push(
      ['cpu.cfs_quota_us', '-1'],
      ['cpu.cfs_period_us', String(period || defaultPeriodUs)],
    );
    if (quota > 0) files.push(['cpu.cfs_quota_us', String(quota)]);
  } else if (limited) {
    files.push(['cpu.max', `${orMax(quota || -1)} ${period || defaultPeriodUs}`]);
  }
  if (burst !== undefined) files.push([burstFile, String(burst)]);
  if (version === 1 && cpu.realtimePeriod) {
    files.push(['cpu.rt_period_us', String(cpu.realtimePeriod)]);
  }
  if (version === 1 && cpu.realtimeRuntime !== undefined) {
    files.push(['cpu.rt_runtime_us', String(cpu.realtimeRuntime)]);
  }
  return files;
}

function memoryV1({ memory = {} }: Resources): CgroupFile[] {
  const { limit = 0, swap = 0, reservation = 0, kernelTCP = 0 } = memory;
  const files: CgroupFile[] = [];
  // Memory with swap is never below memory alone: out of the way first, whatever stood before.
  if (swap !== 0) files.push(['memory.memsw.limit_in_bytes', '-1']);
  if (limit !== 0) files.push(['memory.limit_in_bytes', String(limit)]);
  if (swap > 0) files.push(['memory.memsw.limit_in_bytes', String(swap)]);
  if (reservation !== 0) files.push(['memory.soft_limit_in_bytes', String(reservation)]);
  if (kernelTCP !== 0) files.push(['memory.kmem.tcp.limit_in_bytes', String(kernelTCP)]);
  if (memory.swappiness !== undefined) {
    files.push(['memory.swappiness', String(memory.swappiness)]);
  }
  if (memory.disableOOMKiller !== undefined) {
    files.push(['memory.oom_control', memory.disableOOMKiller ? '1' : '0']);
  }
  return files;
}

function memoryV2({ memory = {} }: Resources): CgroupFile[] {
  const { limit = 0, swap = 0, reservation = 0 } = memory;
  const files: CgroupFile[] = [];
  // v2 counts swap alone.
  if (swap !== 0) files.push(['memory.swap.max', orMax(swap < 0 ? -1 : swap - limit)]);
  if (limit !== 0) files.push(['memory.max', orMax(limit)]);
  if (reservation !== 0) files.push(['memory.low', orMax(reservation)]);
  return files;
}

const pidsFiles = ({ pids }: Resources): CgroupFile[] =>
  pids === undefined || pids.limit === 0 ? [] : [['pids.max', orMax(pids.limit)]];

function cpusetFiles({ cpu = {} }: Resources): CgroupFile[] {
  const { cpus = '', mems = '' } = cpu;
  return [
    ...(cpus === '' ? [] : [['cpuset.cpus', cpus] as const]),
    ...(mems === '' ? [] : [['cpuset.mems', mems] as const]),
  ];
}

function rdmaFiles({ rdma = {} }: Resources): CgroupFile[] {
  const limited = Object.entries(rdma).filter(([, limits]) => Object.keys(limits).length > 0);
  return limited.map(([device, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? '' : ` hca_object=${hcaObjects}`;
    return ['rdma.max', device + handles + objects];
  });
}

const netClsFiles = ({ network }: Resources): CgroupFile[] =>
  network?.classID === undefined ? [] : [['net_cls.classid', String(network.classID)]];

const netPrioFiles = ({ network }: Resources): CgroupFile[] =>
  (network?.priorities ?? []).map(({ name, priority }) => [
    'net_prio.ifpriomap',
    `${name} ${priority}`,
  ]);

/** What each controller is told; what the other version alone can say comes by `unifiedFiles`. */
const filesOf: Readonly<
  Partial<Record<Controller, (wanted: Resources, version: Version) => readonly CgroupFile[]>>
> = {
  cpu: cpuFiles,
  memory: (wanted, version) => (version === 1 ? memoryV1(wanted) : memoryV2(wanted)),
  pids: pidsFiles,
  cpuset: cpusetFiles,
  blkio: blockIoFiles,
  hugetlb: hugePageFiles,
  rdma: rdmaFiles,
  net_cls: netClsFiles,
  net_prio: netPrioFiles,
};

/** A file name that begins with `?` stands for the first of those in the content that exists; see `write-either`. */
const stepOf = (directory: string, [file, content]: CgroupFile): Step =>
  file === '?' ? ['write-either', directory, content] : ['write', `${directory}/${file}`, content];

/**
 * The writes that limit an existing cgroup, new or in use, whatever its limits were. A limit whose controller this
 * machine lacks is left out: `unmetLimits` names those.
 * @throws ResourceError for a `unified` file that this machine's version of its controller has no words for
 */
export function limitSteps(hierarchies: Hierarchies, path: string, wanted: Resources): Step[] {
  const steps: Step[] = [];
  for (const [controller, files] of Object.entries(filesOf)) {
    const found = controllerDirectory(hierarchies, controller as Controller, path);
    if (found === undefined) continue;
    for (const file of files(wanted, found.version)) steps.push(stepOf(found.directory, file));
  }
  for (const { controller, file } of unifiedFiles(hierarchies, wanted)) {
    const found = controllerDirectory(hierarchies, controller, path);
    if (found !== undefined) steps.push(stepOf(found.directory, file));
  }
  return steps;
}

/** Where `linux.resources` has what a controller is told, if not by the same name. */
const fieldOf: Readonly<Partial<Record<Controller, string>>> = {
  cpuset: 'cpu.cpus, cpu.mems',
  blkio: 'blockIO',
  hugetlb: 'hugepageLimits',
  net_cls: 'network.classID',
  net_prio: 'network.priorities',
};

/** What of these limits this machine cannot do, as fields of `linux.resources`; empty: all is done. */
export function unmetLimits(hierarchies: Hierarchies, wanted: Resources): string[] {
  const unmet: string[] = [];
  for (const [name, files] of Object.entries(filesOf)) {
    const controller = name as Controller;
    const has = controllerDirectory(hierarchies, controller, '') !== undefined;
    if (has || files(wanted, 1).length === 0) continue;
    unmet.push(`${fieldOf[controller] ?? name}: this machine has no cgroup controller ${name}`);
  }
  if (wanted.blockIO?.leafWeight) unmet.push('blockIO.leafWeight: no kernel has it any more');
  if (controllerDirectory(hierarchies, 'memory', '')?.version === 2) {
    for (const name of ['kernelTCP', 'swappiness', 'disableOOMKiller'] as const) {
      if (wanted.memory?.[name]) unmet.push(`memory.${name}: cgroup v2 has no such limit`);
    }
  }
  if (controllerDirectory(hierarchies, 'cpu', '')?.version === 2) {
    for (const name of ['realtimeRuntime', 'realtimePeriod'] as const) {
      if (wanted.cpu?.[name]) unmet.push(`cpu.${name}: cgroup v2 has no such limit`);
    }
  }
  return unmet;
}

/** The file that counts OOM kills in a cgroup, or empty. */
export function oomFile(hierarchies: Hierarchies, path: string): string {
  const found = controllerDirectory(hierarchies, 'memory', path);
  if (found === undefined) return '';
  return `${found.directory}/${found.version === 1 ? 'memory.oom_control' : 'memory.events'}`;
}
