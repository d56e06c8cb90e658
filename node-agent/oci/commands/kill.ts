/** `kill ID [SIGNAL]`: to the first process, or to all of them. */

import { closeSync } from 'node:fs';
import { openPidfd, signalPidfd } from '#native/descriptors.ts';
import { killCgroup } from '../../container/cgroup-files.ts';
import { directoriesOf } from '../../container/cgroups.ts';
import { parseFlags, UsageError } from '../arguments.ts';
import { hierarchiesOf, pidsOf, thaw } from '../cgroups.ts';
import type { Globals } from '../globals.ts';
import { isAlive } from '../process-name.ts';
import { signalNumber } from '../signals.ts';
import { peek, type State } from '../state.ts';
import { statusOf } from '../status.ts';

/** The pidfd is opened first and the process recognised then: a reused pid is not hit. */
function signalInit({ init, id }: State, signal: number): void {
  const notRunning = () => new Error(`kill ${id}: container not running`);
  if (init === undefined) throw notRunning();
  let pidfd: number;
  try {
    pidfd = openPidfd(init.pid);
  } catch {
    throw notRunning();
  }
  try {
    if (!isAlive(init)) throw notRunning();
    signalPidfd(pidfd, signal);
  } finally {
    closeSync(pidfd);
  }
}

const sigkill = 9;

/** SIGKILL leaves none out that is forked meanwhile, nor one that is paused. */
async function signalAll(state: State, signal: number): Promise<void> {
  const { cgroup } = state;
  const hierarchies = await hierarchiesOf(state);
  if (signal === sigkill && directoriesOf(hierarchies, cgroup).length > 0) {
    await killCgroup(hierarchies, cgroup);
    return thaw(hierarchies, cgroup);
  }
  for (const pid of await pidsOf(state)) {
    try {
      process.kill(pid, signal);
    } catch {
      // Ended by itself in between.
    }
  }
}

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, { all: { kind: 'on', short: 'a' } });
  const [id, wanted = 'TERM', ...more] = rest;
  if (id === undefined || more.length > 0) throw new UsageError('expected ID [SIGNAL]');
  const signal = signalNumber(wanted);
  const { directory, state } = peek(root, id);
  const status = await statusOf(directory, state);
  if (flags.all) {
    await signalAll(state, signal);
    return 0;
  }
  if (status === 'creating') throw new Error(`kill ${id}: the container is not created yet`);
  signalInit(state, signal);
  return 0;
}
