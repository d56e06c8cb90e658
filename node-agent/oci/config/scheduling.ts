/** What the fields of `process.scheduler` must be to each other (sched(7), sched_setattr(2)). Pure. */

import type { Process } from './process.ts';

type Scheduler = NonNullable<Process['scheduler']>;
type Say = (path: string, message: string) => void;

const realTime: ReadonlySet<string> = new Set(['SCHED_FIFO', 'SCHED_RR']);
/** The kernel's own limit of a deadline's runtime, in nanoseconds. */
const leastRuntime = 1024n;

function checkDeadline({ runtime = 0n, deadline = 0n, period = 0n }: Scheduler, say: Say): void {
  if (runtime < leastRuntime) {
    say('runtime', `expected at least ${leastRuntime} ns for SCHED_DEADLINE, found ${runtime}`);
  }
  if (deadline < runtime) say('deadline', `${deadline} is less than runtime, ${runtime}`);
  if (period !== 0n && period < deadline) {
    say('period', `${period} is less than deadline, ${deadline}`);
  }
}

/** The kernel would say of each no more than "invalid argument". */
export function checkScheduler(scheduler: Scheduler, say: Say): void {
  const { policy, priority = 0, flags } = scheduler;
  if (policy === 'SCHED_ISO')
    say('policy', 'SCHED_ISO is a number that no kernel has a policy for');
  if (realTime.has(policy) && priority === 0) {
    say('priority', `expected 1 to 99 for ${policy}, found ${priority}`);
  }
  if (!realTime.has(policy) && priority !== 0) {
    say('priority', `expected 0 for ${policy}, found ${priority}`);
  }
  if (policy === 'SCHED_DEADLINE') checkDeadline(scheduler, say);
  (flags ?? []).forEach((flag, index) => {
    if (!flag.startsWith('SCHED_FLAG_UTIL_CLAMP')) return;
    say(`flags[${index}]`, `${flag} needs a value that the specification has no field for`);
  });
}
