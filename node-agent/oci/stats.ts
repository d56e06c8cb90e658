/** A cgroup's figures in the form of runc's `events`: v1 and v2 files under one set of names. */

import { readFileSync } from 'node:fs';
import { type Controller, controllerDirectory, type Hierarchies } from '../container/cgroups.ts';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // not counted on this machine
  }
}

/** `max` and nothing are no number of their own: without limit, and not counted. */
const count = (text: string): number => (/^\d+$/.test(text) ? Number(text) : 0);

const table = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([name, value]) => name !== undefined && name !== '' && value !== undefined)
      .map(([name = '', value = '']) => [name, count(value)]),
  );

type Read = (controller: Controller, v1: string, v2: string) => string;

const reader =
  (hierarchies: Hierarchies, cgroup: string): Read =>
  (controller, v1, v2) => {
    const found = controllerDirectory(hierarchies, controller, cgroup);
    const file = found?.version === 1 ? v1 : v2;
    return found === undefined || file === '' ? '' : read(`${found.directory}/${file}`);
  };

function cpu(file: Read) {
  const usage = count(file('cpuacct', 'cpuacct.usage', ''));
  const stat = table(file('cpuacct', '', 'cpu.stat'));
  const throttling = table(file('cpu', 'cpu.stat', 'cpu.stat'));
  const perCpu = file('cpuacct', 'cpuacct.usage_percpu', '').split(' ').filter(Boolean);
  const nanos = (name: string) => (stat[name] ?? 0) * 1000;
  return {
    usage: {
      total: usage === 0 ? nanos('usage_usec') : usage,
      percpu: perCpu.map(Number),
      kernel: count(file('cpuacct', 'cpuacct.usage_sys', '')) || nanos('system_usec'),
      user: count(file('cpuacct', 'cpuacct.usage_user', '')) || nanos('user_usec'),
    },
    throttling: {
      periods: throttling['nr_periods'] ?? 0,
      throttledPeriods: throttling['nr_throttled'] ?? 0,
      throttledTime: throttling['throttled_time'] ?? (throttling['throttled_usec'] ?? 0) * 1000,
    },
  };
}

function memory(file: Read) {
  const entry = (v1: string, v2: string) => ({
    limit: count(file('memory', `memory.${v1}limit_in_bytes`, v2 && `memory.${v2}max`)),
    usage: count(file('memory', `memory.${v1}usage_in_bytes`, v2 && `memory.${v2}current`)),
    max: count(
      file('memory', `memory.${v1}max_usage_in_bytes`, v2 === '' ? '' : `memory.${v2}peak`),
    ),
    failcnt: count(file('memory', `memory.${v1}failcnt`, '')),
  });
  const raw = table(file('memory', 'memory.stat', 'memory.stat'));
  const plain = {
    limit: count(file('memory', 'memory.limit_in_bytes', 'memory.max')),
    usage: count(file('memory', 'memory.usage_in_bytes', 'memory.current')),
    max: count(file('memory', 'memory.max_usage_in_bytes', 'memory.peak')),
    failcnt: count(file('memory', 'memory.failcnt', '')),
  };
  return {
    cache: raw['cache'] ?? raw['file'] ?? 0,
    usage: plain,
    swap: entry('memsw.', 'swap.'),
    kernel: entry('kmem.', ''),
    raw,
  };
}

/** `data` of a `stats` event. */
export function statsOf(hierarchies: Hierarchies, cgroup: string): object {
  const file = reader(hierarchies, cgroup);
  return {
    cpu: cpu(file),
    memory: memory(file),
    pids: {
      current: count(file('pids', 'pids.current', 'pids.current')),
      limit: count(file('pids', 'pids.max', 'pids.max')),
    },
  };
}

/** How often the kernel has killed for want of memory there. */
export function oomKillsOf(hierarchies: Hierarchies, cgroup: string): number {
  const file = reader(hierarchies, cgroup);
  return table(file('memory', 'memory.oom_control', 'memory.events'))['oom_kill'] ?? 0;
}
