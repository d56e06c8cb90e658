/** What a test may leave on the machine: nothing. Takes a picture before and compares it with one after. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Machine {
  /** Mount points, one entry a mount. */
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly links: readonly string[];
  /** Network, mount, pid, ipc and uts namespaces that some process lives in. */
  readonly namespaces: readonly string[];
  readonly nftTables: readonly string[];
  /** `pid command` of every process but kernel threads and our own children. */
  readonly processes: readonly string[];
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** A folder that goes while it is read is not there. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function cgroupsBelow(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return [path, ...cgroupsBelow(path)];
    });
}

const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function namespaces(): string[] {
  const found = new Set<string>();
  for (const pid of pids()) {
    for (const type of ['net', 'mnt', 'pid', 'ipc', 'uts']) {
      try {
        found.add(readlinkSync(`/proc/${pid}/ns/${type}`));
      } catch {
        // The process has ended meanwhile.
      }
    }
  }
  return [...found].sort();
}

function command(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function nftTables(): string[] {
  try {
    return lines(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }));
  } catch {
    return [];
  }
}

/** The machine as it is now. */
export function machine(): Machine {
  const mounts = lines(readFileSync('/proc/self/mountinfo', 'utf8'));
  return {
    mounts: mounts.map((line) => line.split(' ')[4] ?? '').sort(),
    cgroups: cgroupsBelow('/sys/fs/cgroup').sort(),
    links: readdirSync('/sys/class/net').sort(),
    namespaces: namespaces(),
    nftTables: nftTables(),
    processes: pids()
      .map((pid) => `${pid} ${command(pid)}`)
      .filter((line) => /supervisor|bayplan|etcd/.test(line)),
  };
}

/** What `after` has that `before` had not, by part; empty parts are left out. */
export function added(before: Machine, after: Machine): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const part of Object.keys(before) as (keyof Machine)[]) {
    const rest = [...after[part]];
    for (const known of before[part]) {
      const index = rest.indexOf(known);
      if (index >= 0) rest.splice(index, 1);
    }
    if (rest.length > 0) result[part] = rest;
  }
  return result;
}

/**
 * Resolves with what is left over. The kernel takes namespaces and links away in its own time, so it is asked again
 * until nothing is left or `deadlineMs` is over.
 */
export async function leftOver(
  before: Machine,
  deadlineMs = 30_000,
): Promise<Record<string, string[]>> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const rest = added(before, machine());
    if (Object.keys(rest).length === 0 || Date.now() > deadline) return rest;
    await sleep(50);
  }
}
