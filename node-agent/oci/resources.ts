/** `linux.resources` made true, at the start and by `update`. */

import type { Step } from '#native/spawn.ts';
import { limitSteps } from '../container/cgroup-limits.ts';
import { controllerDirectory, type Hierarchies } from '../container/cgroups.ts';
import { decodeAs } from './config/problem.ts';
import { ResourcesCodec, type ResourcesDocument } from './config/resources.ts';
import type { Log } from './globals.ts';

/** @throws ConfigError naming every wrong field */
export const resourcesOf = (content: unknown): ResourcesDocument =>
  decodeAs(ResourcesCodec, 'config.json', content ?? {}, 'linux.resources');

/** Go writes 0 for what is not set. */
const set = <T>(name: string, value: T | null | undefined) =>
  value == null || value === 0 ? {} : { [name]: value };

/** config-linux.md, Default Devices, the terminals, and making nodes without opening them: allowed in any case. */
const alwaysAllowed = [
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
];

type Rule = NonNullable<ResourcesDocument['devices']>[number];

function ruleText({ type, major, minor, access }: Rule): string {
  if (type == null || type === 'a') return 'a';
  const number = (value: number | null | undefined) =>
    value == null || value === -1 ? '*' : String(value);
  const kind = type === 'u' ? 'c' : type;
  return `${kind} ${number(major)}:${number(minor)} ${access || 'rwm'}`;
}

/** What nobody has allowed is forbidden; then the rules in their order. */
export function deviceRuleSteps(
  rules: ResourcesDocument['devices'],
  hierarchies: Hierarchies,
  cgroup: string,
): Step[] {
  const mountPoint = hierarchies.v1.devices;
  if (mountPoint === undefined) return [];
  const write = (allow: boolean, rule: string): Step => [
    'write',
    `${mountPoint}${cgroup}/devices.${allow ? 'allow' : 'deny'}`,
    rule,
  ];
  return [
    write(false, 'a'),
    ...(rules ?? [])
      .filter(({ type }) => type !== 'p') // a pipe is nobody's device
      .map((rule) => write(rule.allow, ruleText(rule))),
    ...alwaysAllowed.map((rule) => write(true, rule)),
  ];
}

/** Memory's further limits; swap counts memory with it in the specification, and alone in v2. */
function memorySteps(
  { memory }: ResourcesDocument,
  hierarchies: Hierarchies,
  cgroup: string,
): Step[] {
  const found = controllerDirectory(hierarchies, 'memory', cgroup);
  if (found === undefined || memory == null) return [];
  const { reservation, swap, limit } = memory;
  const write = (file: string, value: number): Step => [
    'write',
    `${found.directory}/${file}`,
    found.version === 2 && value === -1 ? 'max' : String(value),
  ];
  if (found.version === 1) {
    return [
      ...(reservation ? [write('memory.soft_limit_in_bytes', reservation)] : []),
      ...(swap ? [write('memory.memsw.limit_in_bytes', swap)] : []),
      ...(memory.swappiness == null ? [] : [write('memory.swappiness', memory.swappiness)]),
      ...(memory.disableOOMKiller ? [write('memory.oom_control', 1)] : []),
    ];
  }
  const alone = swap && swap > 0 && limit && limit > 0 ? swap - limit : swap;
  return [
    ...(reservation ? [write('memory.low', reservation)] : []),
    ...(alone ? [write('memory.swap.max', alone)] : []),
  ];
}

/** What is asked for and not done is said: nobody is to rely on it. */
function warnOfOthers(wanted: ResourcesDocument, log: Log): void {
  const { cpu, blockIO, hugepageLimits, network, rdma, unified } = wanted;
  const groups = { hugepageLimits, network, rdma, unified, blockIO };
  const others = Object.entries(groups).filter(([, value]) =>
    value == null ? false : Object.values(value).some((part) => part != null && part !== 0),
  );
  const ofCpu = (['burst', 'realtimeRuntime', 'realtimePeriod', 'cpus', 'mems', 'idle'] as const)
    .filter((name) => cpu?.[name])
    .map((name) => `cpu.${name}`);
  const names = [...others.map(([name]) => name), ...ofCpu];
  if (names.length > 0) log.warn(`linux.resources: not applied: ${names.join(', ')}`);
}

/** The writes into a cgroup that exists. @throws ConfigError naming every wrong field */
export function limitStepsOf(
  wanted: ResourcesDocument,
  hierarchies: Hierarchies,
  cgroup: string,
  log: Log,
): Step[] {
  warnOfOthers(wanted, log);
  const { cpu, memory, pids } = wanted;
  const limits = limitSteps(hierarchies, cgroup, {
    cpu: {
      ...set('shares', cpu?.shares),
      ...set('quota', cpu?.quota),
      ...set('period', cpu?.period),
    },
    memory: { ...set('limit', memory?.limit) },
    ...(pids?.limit ? { pids: { limit: pids.limit } } : {}),
  });
  // -1 is "no limit"; the pids controller, and v2, have a word for it.
  const said = limits.map(([what, path, value]): Step => {
    const isWord = value === '-1' && /\/(pids|memory)\.max$/.test(path);
    return [what, path, isWord ? 'max' : value];
  });
  return [...said, ...memorySteps(wanted, hierarchies, cgroup)];
}
