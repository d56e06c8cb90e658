/** `linux.resources.unified`: v2's files by name, said in v1's words where a controller is still v1's. Pure. */

import type { CgroupFile } from './cgroup-limits.ts';
import { ResourceError, type Resources } from './cgroup-resources.ts';
import { type Controller, controllerDirectory, type Hierarchies } from './cgroups.ts';

interface UnifiedFile {
  readonly controller: Controller;
  readonly file: CgroupFile;
}

/** The first part of a file's name to the controller as v1 calls it. */
const controllerOf: Readonly<Record<string, Controller>> = {
  cpu: 'cpu',
  memory: 'memory',
  pids: 'pids',
  io: 'blkio',
  cpuset: 'cpuset',
  hugetlb: 'hugetlb',
  rdma: 'rdma',
};

const unlimited = (content: string): string => (content.trim() === 'max' ? '-1' : content.trim());

/** From a v2 weight back to shares, so that `cpuWeight` of them is this weight. */
export function cpuShares(weight: number): number {
  const exponent = Math.log10(weight) + 7 / 34;
  const log = (-125 + Math.sqrt(125 * 125 + 4 * 612 * exponent)) / 2;
  return Math.min(Math.max(Math.floor(2 ** log + 1e-6), 2), 262144);
}

function cpuMax(content: string): CgroupFile[] {
  const [quota = 'max', period] = content.trim().split(/\s+/);
  return [
    ['cpu.cfs_quota_us', '-1'],
    ...(period === undefined ? [] : [['cpu.cfs_period_us', period] as const]),
    ...(quota === 'max' ? [] : [['cpu.cfs_quota_us', quota] as const]),
  ];
}

const throttleFiles: Readonly<Record<string, string>> = {
  rbps: 'blkio.throttle.read_bps_device',
  wbps: 'blkio.throttle.write_bps_device',
  riops: 'blkio.throttle.read_iops_device',
  wiops: 'blkio.throttle.write_iops_device',
};

function ioMax(content: string): CgroupFile[] | undefined {
  const [device, ...limits] = content.trim().split(/\s+/);
  const files: CgroupFile[] = [];
  for (const limit of limits) {
    const [key = '', rate = ''] = limit.split('=');
    const file = throttleFiles[key];
    if (file === undefined) return undefined;
    files.push([file, `${device} ${rate === 'max' ? 0 : rate}`]);
  }
  return files;
}

/** v1 counts swap together with memory: only with a memory limit is there a sum. */
function swapMax(content: string, wanted: Resources): CgroupFile[] | undefined {
  if (content.trim() === 'max') return [['memory.memsw.limit_in_bytes', '-1']];
  const memory = wanted.unified?.['memory.max'] ?? wanted.memory?.limit;
  const sum = Number(memory) + Number(content);
  if (!(sum >= 0)) return undefined;
  return [['memory.memsw.limit_in_bytes', String(sum)]];
}

/** The same in v1's words; undefined: v1 has none. */
function inV1(file: string, content: string, wanted: Resources): CgroupFile[] | undefined {
  switch (file) {
    case 'cpu.weight':
      return [['cpu.shares', String(cpuShares(Number(content)))]];
    case 'cpu.max':
      return cpuMax(content);
    case 'cpu.max.burst':
      return [['cpu.cfs_burst_us', content]];
    case 'cpu.idle':
    case 'cpuset.cpus':
    case 'cpuset.mems':
    case 'pids.max':
    case 'rdma.max':
      return [[file, content]];
    case 'memory.max':
      return [['memory.limit_in_bytes', unlimited(content)]];
    case 'memory.low':
      return [['memory.soft_limit_in_bytes', unlimited(content)]];
    case 'memory.swap.max':
      return swapMax(content, wanted);
    case 'io.max':
      return ioMax(content);
  }
  const hugePages = /^hugetlb\.(\w+)\.max$/.exec(file);
  if (hugePages === null) return undefined;
  return [[`hugetlb.${hugePages[1]}.limit_in_bytes`, unlimited(content)]];
}

/**
 * The writes that `unified` means here, in the words of each controller's version.
 * @throws ResourceError for a file whose controller is unknown or absent, or which v1 has no words for
 */
export function unifiedFiles(hierarchies: Hierarchies, wanted: Resources): UnifiedFile[] {
  return Object.entries(wanted.unified ?? {}).flatMap(([file, content]): UnifiedFile[] => {
    const field = `unified[${JSON.stringify(file)}]`;
    const controller = controllerOf[file.slice(0, file.indexOf('.'))];
    const found = controller && controllerDirectory(hierarchies, controller, '');
    if (controller === undefined || found === undefined) {
      throw new ResourceError(field, 'this machine has no such cgroup controller');
    }
    if (found.version === 2) return [{ controller, file: [file, content] }];
    const files = inV1(file, content, wanted);
    if (files !== undefined) return files.map((one) => ({ controller, file: one }));
    const why = `the controller is cgroup v1's here, which has no words for ${JSON.stringify(content)}`;
    throw new ResourceError(field, why);
  });
}
