/** `linux.resources` made true, at the start and by `update`. */

import type { Step } from '#native/spawn.ts';
import { limitSteps } from '../container/cgroup-limits.ts';
import type { Hierarchies } from '../container/cgroups.ts';
import { decodeAs } from './config/problem.ts';
import { ResourcesCodec, type ResourcesDocument } from './config/resources.ts';

/** @throws ConfigError naming every wrong field */
export const resourcesOf = (document: string, content: unknown, at: string): ResourcesDocument =>
  decodeAs(ResourcesCodec, document, content, at);

const set = <T>(name: string, value: T | null | undefined) =>
  value == null ? {} : { [name]: value };

/** The writes into a cgroup that exists. @throws ConfigError naming every wrong field */
export function limitStepsOf(content: unknown, hierarchies: Hierarchies, cgroup: string): Step[] {
  const { cpu, memory, pids } = resourcesOf('config.json', content ?? {}, 'linux.resources');
  return limitSteps(hierarchies, cgroup, {
    ...set('cpuShares', cpu?.shares),
    ...set('cpuQuotaUs', cpu?.quota),
    ...set('cpuPeriodUs', cpu?.period),
    ...set('memoryBytes', memory?.limit),
    ...set('pids', pids?.limit),
  });
}
