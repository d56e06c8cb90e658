/** A cgroup's figures, from the files of both versions. */

import { readCgroupFile as read } from './cgroup-files.ts';
import { oomFile } from './cgroup-limits.ts';
import { controllerDirectory, type Hierarchies, v2Directory } from './cgroups.ts';

/** Shares of the last 10 seconds in which some, or all, of the processes waited (0..100), and waiting in all. */
export interface Pressure {
  readonly some10: number;
  readonly full10: number;
  readonly someUs: number;
  readonly fullUs: number;
}

/** 0 for what this machine does not count; -1: no limit. */
export interface ContainerStats {
  readonly cpuNanos: number;
  readonly cpuUserNanos: number;
  readonly cpuSystemNanos: number;
  /** Periods of the quota in which it was used up, and for how long that stopped the container. */
  readonly throttledPeriods: number;
  readonly throttledNanos: number;
  /** The working set, as Kubernetes counts it: what the kernel would give back at once is not in it. */
  readonly memoryBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryRssBytes: number;
  readonly memoryPeakBytes: number;
  readonly memoryLimitBytes: number;
  readonly swapBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  readonly oomKills: number;
  readonly pids: number;
  readonly pidsLimit: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
  /** Absent where the kernel does not measure it (PSI is v2's). */
  readonly pressure?: {
    readonly cpu: Pressure;
    readonly memory: Pressure;
    readonly io: Pressure;
  };
}

/** The value of `name value` in a file of such lines; 0 if it is not there. */
const fieldOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);

/** v1 says "no limit" as the largest number of pages there is, v2 as `max`. */
function limitOf(text: string): number {
  const value = Number(text.trim() || Number.NaN);
  return Number.isNaN(value) || value > 2 ** 60 ? -1 : value;
}

async function cpu(hierarchies: Hierarchies, path: string) {
  const v2 = v2Directory(hierarchies, path);
  const limited = controllerDirectory(hierarchies, 'cpu', path);
  const isV1 = limited?.version === 1;
  // The v2 hierarchy counts CPU time of every cgroup, whoever has the controller.
  const [stat, quota, usage] = await Promise.all([
    v2 === '' ? '' : read(`${v2}/cpu.stat`),
    isV1 ? read(`${limited.directory}/cpu.stat`) : '',
    v2 === '' ? read(`${hierarchies.v1.cpuacct ?? ''}${path}/cpuacct.usage`) : '',
  ]);
  return {
    cpuNanos: v2 === '' ? Number(usage) : fieldOf(stat, 'usage_usec') * 1000,
    cpuUserNanos: fieldOf(stat, 'user_usec') * 1000,
    cpuSystemNanos: fieldOf(stat, 'system_usec') * 1000,
    throttledPeriods: fieldOf(isV1 ? quota : stat, 'nr_throttled'),
    throttledNanos: isV1
      ? fieldOf(quota, 'throttled_time')
      : fieldOf(stat, 'throttled_usec') * 1000,
  };
}

/** How often the kernel has killed in a cgroup for want of memory: one file, for who asks often. */
export async function oomKillsIn(hierarchies: Hierarchies, path: string): Promise<number> {
  const file = oomFile(hierarchies, path);
  return file === '' ? 0 : fieldOf(await read(file), 'oom_kill');
}

async function memory(hierarchies: Hierarchies, path: string) {
  const found = controllerDirectory(hierarchies, 'memory', path);
  const isV1 = found?.version === 1;
  const file = (v1: string, v2: string): Promise<string> =>
    found === undefined ? Promise.resolve('') : read(`${found.directory}/${isV1 ? v1 : v2}`);
  const [used, stat, peak, limit, swap, oom] = await Promise.all([
    file('memory.usage_in_bytes', 'memory.current'),
    file('memory.stat', 'memory.stat'),
    file('memory.max_usage_in_bytes', 'memory.peak'),
    file('memory.limit_in_bytes', 'memory.max'),
    file('memory.memsw.usage_in_bytes', 'memory.swap.current'),
    file('memory.oom_control', 'memory.events'),
  ]);
  const field = (v1: string, v2: string): number => fieldOf(stat, isV1 ? `total_${v1}` : v2);
  const swapped = isV1 ? Math.max(0, Number(swap) - Number(used)) : Number(swap);
  return {
    memoryBytes: Math.max(0, Number(used) - field('inactive_file', 'inactive_file')),
    memoryUsageBytes: Number(used),
    memoryRssBytes: field('rss', 'anon'),
    memoryPeakBytes: Number(peak),
    memoryLimitBytes: limitOf(limit),
    swapBytes: swap === '' ? 0 : swapped,
    pageFaults: field('pgfault', 'pgfault'),
    majorPageFaults: field('pgmajfault', 'pgmajfault'),
    oomKills: fieldOf(oom, 'oom_kill'),
  };
}

async function pids(hierarchies: Hierarchies, path: string) {
  const found = controllerDirectory(hierarchies, 'pids', path);
  if (found === undefined) return { pids: 0, pidsLimit: -1 };
  const [current, most] = await Promise.all([
    read(`${found.directory}/pids.current`),
    read(`${found.directory}/pids.max`),
  ]);
  return { pids: Number(current), pidsLimit: limitOf(most) };
}

/** The sum over devices of one operation of a v1 file of lines `8:0 Read 4096`. */
function sumV1(text: string, operation: string): number {
  const found = text.matchAll(new RegExp(`^\\d+:\\d+ ${operation} (\\d+)$`, 'gm'));
  return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The sum over devices of one key of v2's lines `8:0 rbytes=4096 ...`. */
function sumV2(text: string, key: string): number {
  const found = text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'));
  return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function io(hierarchies: Hierarchies, path: string) {
  const found = controllerDirectory(hierarchies, 'blkio', path);
  if (found?.version === 2) {
    const stat = await read(`${found.directory}/io.stat`);
    return {
      readBytes: sumV2(stat, 'rbytes'),
      writtenBytes: sumV2(stat, 'wbytes'),
      reads: sumV2(stat, 'rios'),
      writes: sumV2(stat, 'wios'),
    };
  }
  const directory = found?.directory ?? '';
  const [bytes, operations] = await Promise.all([
    read(`${directory}/blkio.throttle.io_service_bytes`),
    read(`${directory}/blkio.throttle.io_serviced`),
  ]);
  return {
    readBytes: sumV1(bytes, 'Read'),
    writtenBytes: sumV1(bytes, 'Write'),
    reads: sumV1(operations, 'Read'),
    writes: sumV1(operations, 'Write'),
  };
}

function pressureOf(text: string): Pressure {
  const line = (kind: string) =>
    new RegExp(`^${kind} avg10=([\\d.]+) .*total=(\\d+)$`, 'm').exec(text) ?? [];
  const [, some = 0, someUs = 0] = line('some');
  const [, full = 0, fullUs = 0] = line('full');
  return {
    some10: Number(some),
    full10: Number(full),
    someUs: Number(someUs),
    fullUs: Number(fullUs),
  };
}

async function pressure(
  hierarchies: Hierarchies,
  path: string,
): Promise<Pick<ContainerStats, 'pressure'>> {
  const v2 = v2Directory(hierarchies, path);
  if (v2 === '') return {};
  const [ofCpu, ofMemory, ofIo] = await Promise.all(
    ['cpu', 'memory', 'io'].map((name) => read(`${v2}/${name}.pressure`).catch(() => '')),
  );
  if (!ofCpu || !ofMemory || !ofIo) return {};
  return {
    pressure: { cpu: pressureOf(ofCpu), memory: pressureOf(ofMemory), io: pressureOf(ofIo) },
  };
}

export async function cgroupStats(hierarchies: Hierarchies, path: string): Promise<ContainerStats> {
  const [ofCpu, ofMemory, ofPids, ofIo, ofPressure] = await Promise.all([
    cpu(hierarchies, path),
    memory(hierarchies, path),
    pids(hierarchies, path),
    io(hierarchies, path),
    pressure(hierarchies, path),
  ]);
  return { ...ofCpu, ...ofMemory, ...ofPids, ...ofIo, ...ofPressure };
}
