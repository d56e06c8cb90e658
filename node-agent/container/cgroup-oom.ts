/** Why a container ran out of memory, in words: what the kernel killed, the limit, the most that was used. */

import { readMessages } from '#native/kernel-log.ts';
import { cgroupStats } from './cgroup-stats.ts';
import type { Hierarchies } from './cgroups.ts';

export interface OomVictim {
  readonly pid: number;
  readonly name: string;
}

/**
 * The processes that the kernel's log says were killed in a cgroup or below it, oldest first. The log knows paths from
 * the hierarchy's own root, we may see only a part of it: the end must match.
 */
export function victimsIn(messages: readonly string[], path: string): OomVictim[] {
  return messages.flatMap((message): OomVictim[] => {
    const found = /oom-kill:.*,task_memcg=([^,]*),task=(.*),pid=(\d+),uid=\d+/.exec(message);
    const [, cgroup = '', name = '', pid] = found ?? [];
    if (!cgroup.endsWith(path) && !cgroup.includes(`${path}/`)) return [];
    return [{ pid: Number(pid), name }];
  });
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** What is known when the kernel has killed for want of memory. */
export interface OomFacts {
  /** Processes killed there so far. */
  readonly kills: number;
  /** -1: no limit of its own. */
  readonly limitBytes: number;
  readonly usageBytes: number;
  readonly peakBytes: number;
  /** Oldest first; empty for who may not read the kernel's log. */
  readonly victims: readonly OomVictim[];
}

/** The facts as they are now; of the victims the last `most`. */
export async function oomFacts(
  hierarchies: Hierarchies,
  path: string,
  most: number,
): Promise<OomFacts> {
  const [stats, messages] = await Promise.all([
    cgroupStats(hierarchies, path),
    // Who may not read the kernel's log still gets the figures.
    readMessages('oom-kill:').catch(() => []),
  ]);
  return {
    kills: stats.oomKills,
    limitBytes: stats.memoryLimitBytes,
    usageBytes: stats.memoryUsageBytes,
    peakBytes: stats.memoryPeakBytes,
    victims: most > 0 ? victimsIn(messages, path).slice(-most) : [],
  };
}

/** A sentence for the status of a container that was killed for its memory. */
export async function oomMessage(hierarchies: Hierarchies, path: string): Promise<string> {
  const facts = await oomFacts(hierarchies, path, 3);
  const { limitBytes: limit, peakBytes: peak, kills, victims } = facts;
  const who = victims.map(({ name, pid }) => `${name} (pid ${pid} on the node)`).join(', ');
  const limited = limit < 0 ? 'no limit of its own' : `limit ${mebibytes(limit)}`;
  const killed = who === '' ? `${kills} processes killed` : `killed ${who}`;
  return `Out of memory: ${killed}; ${limited}, most used ${mebibytes(peak)}.`;
}
