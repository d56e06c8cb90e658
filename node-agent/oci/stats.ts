/** A cgroup's figures in the form of runc's `events`: what the agent counts, under runc's names. */

import { readCgroupFile } from '../container/cgroup-files.ts';
import { cgroupStats, type Pressure } from '../container/cgroup-stats.ts';
import { type Controller, controllerDirectory, type Hierarchies } from '../container/cgroups.ts';

/** Lines of `name value`. */
const table = (text: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(/^(\S+) (\d+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );

async function tableOf(hierarchies: Hierarchies, controller: Controller, path: string) {
  const found = controllerDirectory(hierarchies, controller, path);
  if (found === undefined) return {};
  return table(await readCgroupFile(`${found.directory}/${controller}.stat`));
}

/** runc has 0 for "no limit" and for what is not counted. */
const limit = (value: number): number => Math.max(value, 0);

const psi = (pressure: Pressure | undefined) =>
  pressure && {
    psi: {
      some: { avg10: pressure.some10, total: pressure.someUs },
      full: { avg10: pressure.full10, total: pressure.fullUs },
    },
  };

const operations = (read: number, write: number) => [
  { op: 'Read', value: read },
  { op: 'Write', value: write },
];

/** `data` of a `stats` event. */
export async function statsOf(hierarchies: Hierarchies, cgroup: string): Promise<object> {
  const [stats, ofCpu, raw] = await Promise.all([
    cgroupStats(hierarchies, cgroup),
    tableOf(hierarchies, 'cpu', cgroup),
    tableOf(hierarchies, 'memory', cgroup),
  ]);
  return {
    cpu: {
      usage: { total: stats.cpuNanos, kernel: stats.cpuSystemNanos, user: stats.cpuUserNanos },
      throttling: {
        periods: ofCpu['nr_periods'] ?? 0,
        throttledPeriods: stats.throttledPeriods,
        throttledTime: stats.throttledNanos,
      },
      ...psi(stats.pressure?.cpu),
    },
    memory: {
      cache: raw['cache'] ?? raw['file'] ?? 0,
      usage: {
        limit: limit(stats.memoryLimitBytes),
        usage: stats.memoryUsageBytes,
        max: stats.memoryPeakBytes,
      },
      swap: { usage: stats.swapBytes },
      raw,
      ...psi(stats.pressure?.memory),
    },
    pids: { current: stats.pids, limit: limit(stats.pidsLimit) },
    blkio: {
      ioServiceBytesRecursive: operations(stats.readBytes, stats.writtenBytes),
      ioServicedRecursive: operations(stats.reads, stats.writes),
      ...psi(stats.pressure?.io),
    },
  };
}
