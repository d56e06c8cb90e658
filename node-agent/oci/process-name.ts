/** A process by a name that no other ever has: its pid, and when it began (proc_pid_stat(5), field 22). */

import { readFileSync } from 'node:fs';

export interface ProcessName {
  readonly pid: number;
  /** Clock ticks since the machine started. */
  readonly began: string;
}

interface Seen {
  readonly began: string;
  readonly state: string;
}

function look(pid: number): Seen | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return; // ENOENT, or ESRCH when it ends meanwhile
  }
  // The name may hold spaces and brackets; after the last bracket comes field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', began: fields[19] ?? '' };
}

/** Of a process that cannot have ended unnoticed: a child of ours. */
export function nameOf(pid: number): ProcessName {
  return { pid, began: look(pid)?.began ?? '' };
}

/** It runs. One that ended and waits for its parent does not. */
export function isAlive({ pid, began }: ProcessName): boolean {
  const seen = look(pid);
  return seen !== undefined && seen.began === began && !'ZX'.includes(seen.state);
}
