/**
 * Who runs etcd on a data directory. A child whose parent was killed may still be there when the next parent starts: two
 * must never run on one directory, so the old one is found by its pid file and ended first.
 */
import { readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

interface Claim {
  /** The etcd process. */
  readonly pid: number;
  /** The process that started it. */
  readonly parent: number;
}

const fileName = 'etcd.pid';
const orphanTermMs = 3000;
const orphanKillMs = 5000;
const pollMs = 10;

/**
 * Makes sure that no etcd runs on the directory: ends one whose parent is gone. Rejects if one runs whose parent
 * lives, or if an orphan does not end.
 */
export async function freeDirectory(dataDir: string): Promise<void> {
  const claim = readClaim(dataDir);
  if (claim === undefined || !runsIn(claim.pid, dataDir)) return;
  const { pid } = claim;
  if (parentOf(pid) === claim.parent) {
    throw new Error(
      `etcd (pid ${pid}, started by pid ${claim.parent}) already runs on ${dataDir}; ` +
        `stop pid ${claim.parent} first, or use another data directory`,
    );
  }
  if (await endsAfter(pid, dataDir, 'SIGTERM', orphanTermMs)) return;
  if (await endsAfter(pid, dataDir, 'SIGKILL', orphanKillMs)) return;
  throw new Error(`etcd (pid ${pid}), left over on ${dataDir}, does not end even on SIGKILL`);
}

/** Notes that `pid`, a child of this process, runs on the directory. */
export function claimDirectory(dataDir: string, pid: number): void {
  const claim: Claim = { pid, parent: process.pid };
  writeFileSync(join(dataDir, fileName), `${JSON.stringify(claim)}\n`, { mode: 0o600 });
}

/** Takes the note back, if it is about `pid`. */
export function releaseDirectory(dataDir: string, pid: number): void {
  if (readClaim(dataDir)?.pid === pid) rmSync(join(dataDir, fileName), { force: true });
}

function readClaim(dataDir: string): Claim | undefined {
  try {
    const claim: unknown = JSON.parse(readFileSync(join(dataDir, fileName), 'utf8'));
    if (typeof claim !== 'object' || claim === null) return undefined;
    const { pid, parent } = claim as Partial<Claim>;
    if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(parent)) return undefined;
    return { pid: Number(pid), parent: Number(parent) };
  } catch {
    // No file, or one cut short by a crash: nobody can be found by it.
    return undefined;
  }
}

/** Whether the process lives and has the directory as its own: a pid alone may have been given to another since. */
function runsIn(pid: number, dataDir: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir) && stateOf(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  return Number(stateOf(pid)[1]);
}

/** The fields of `/proc/<pid>/stat` behind the name: state, parent and so on. */
function stateOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function endsAfter(
  pid: number,
  dataDir: string,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in this moment: the loop sees it.
  }
  const deadline = Date.now() + withinMs;
  while (runsIn(pid, dataDir)) {
    if (Date.now() > deadline) return false;
    await pause(pollMs);
  }
  return true;
}
