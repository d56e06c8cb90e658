/** From `Resources` to the writes that make them true. Pure. */

import type { Step } from '#native/spawn.ts';
import { type Controller, controllerDirectory, type Hierarchies } from './cgroups.ts';
import type { Resources } from './runtime.ts';

type Files = readonly (readonly [file: string, value: string])[];

/** cgroup v1's range of `cpu.shares`. */
const sharesRange = { min: 2, max: 262144 };

/** The kernel's default period of the CPU quota. */
const defaultPeriodUs = 100_000;

/** KEP-2254's straight line from shares (2..262144) to weights (1..10000). */
export const cpuWeight = (shares: number): number =>
  1 + Math.trunc(((clamp(shares, sharesRange) - 2) * 9999) / 262142);

const clamp = (value: number, range: { min: number; max: number }): number =>
  Math.min(Math.max(Math.trunc(value), range.min), range.max);

function cpuFiles(wanted: Resources, version: 1 | 2): Files {
  const { cpuShares: shares, cpuQuotaUs: quota, cpuPeriodUs: period = defaultPeriodUs } = wanted;
  if (version === 2) {
    return [
      ...(shares === undefined ? [] : [['cpu.weight', String(cpuWeight(shares))] as const]),
      ...(quota === undefined ? [] : [['cpu.max', `${quota} ${period}`] as const]),
    ];
  }
  const limited = quota !== undefined;
  return [
    ...(shares === undefined ? [] : [['cpu.shares', String(clamp(shares, sharesRange))] as const]),
    ...(limited ? ([['cpu.cfs_period_us', String(period)]] as const) : []),
    ...(limited ? ([['cpu.cfs_quota_us', String(quota)]] as const) : []),
  ];
}

function memoryFiles(wanted: Resources, version: 1 | 2): Files {
  if (wanted.memoryBytes === undefined) return [];
  const file = version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
  return [[file, String(wanted.memoryBytes)]];
}

function pidsFiles(wanted: Resources): Files {
  return wanted.pids === undefined ? [] : [['pids.max', String(wanted.pids)]];
}

/** The writes that limit an existing cgroup. A limit whose controller this machine lacks is left out. */
export function limitSteps(hierarchies: Hierarchies, path: string, wanted: Resources): Step[] {
  const steps: Step[] = [];
  const put = (controller: Controller, files: (version: 1 | 2) => Files) => {
    const found = controllerDirectory(hierarchies, controller, path);
    if (found === undefined) return;
    for (const [file, value] of files(found.version)) {
      steps.push(['write', `${found.directory}/${file}`, value]);
    }
  };
  put('cpu', (version) => cpuFiles(wanted, version));
  put('memory', (version) => memoryFiles(wanted, version));
  put('pids', () => pidsFiles(wanted));
  return steps;
}

/**
 * Docker's device rules (moby, oci/devices and daemon defaults): may make any node, may open the standard ones, the
 * terminals, and nothing else.
 */
const deviceRules = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
] as const;

/** Restricts devices where the v1 controller is; `open` (a privileged container's) leaves them all. */
export function deviceSteps(
  hierarchies: Hierarchies,
  path: string,
  { open, more = [] }: { readonly open: boolean; readonly more?: readonly string[] },
): Step[] {
  const mountPoint = hierarchies.v1.devices;
  if (mountPoint === undefined || open) return [];
  return [
    ['write', `${mountPoint}${path}/devices.deny`, 'a'],
    ...[...deviceRules, ...more].map(
      (rule): Step => ['write', `${mountPoint}${path}/devices.allow`, rule],
    ),
  ];
}

/** The file that counts OOM kills in a cgroup, or empty. */
export function oomFile(hierarchies: Hierarchies, path: string): string {
  const found = controllerDirectory(hierarchies, 'memory', path);
  if (found === undefined) return '';
  return `${found.directory}/${found.version === 1 ? 'memory.oom_control' : 'memory.events'}`;
}
