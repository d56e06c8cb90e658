/** `events ID`: figures every few seconds, and when memory ran out what was killed; `--stats`: figures once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { oomFacts } from '../../container/cgroup-oom.ts';
import { oomKillsIn } from '../../container/cgroup-stats.ts';
import { onlyId, parseFlags, UsageError } from '../arguments.ts';
import { cgroupNeeded, type Hierarchies } from '../cgroups.ts';
import type { Globals } from '../globals.ts';
import { peek, type State } from '../state.ts';
import { statsOf } from '../stats.ts';
import { statusOf } from '../status.ts';

const tell = (type: string, id: string, data?: object): boolean =>
  process.stdout.write(
    `${JSON.stringify({ type, id, ...(data === undefined ? {} : { data }) })}\n`,
  );

/** `5s`, `1m`, `500ms`. */
function milliseconds(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,6})(ms|s|m)?$/.exec(text) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000 }[unit];
  if (digits !== undefined && factor !== undefined && Number(digits) > 0) {
    return Number(digits) * factor;
  }
  throw new UsageError(`--interval: expected a time like 5s, found ${JSON.stringify(text)}`);
}

/** Looks often, tells figures seldom. */
const lookMs = 200;

async function stream(directory: string, state: State, hierarchies: Hierarchies, every: number) {
  const { id, cgroup } = state;
  let kills = await oomKillsIn(hierarchies, cgroup);
  for (let last = 0; ; await sleep(lookMs)) {
    // Asked for first: what killed the last of them is told, too.
    const isOver = (await statusOf(directory, state)) === 'stopped';
    const now = await oomKillsIn(hierarchies, cgroup);
    if (now > kills) tell('oom', id, await oomFacts(hierarchies, cgroup, now - kills));
    kills = now;
    if (isOver) return;
    if (performance.now() - last < every && last !== 0) continue;
    last = performance.now();
    tell('stats', id, await statsOf(hierarchies, cgroup));
  }
}

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, {
    stats: { kind: 'on' },
    interval: { kind: 'text' },
  });
  const every = milliseconds(flags.interval ?? '5s');
  const { directory, state } = peek(root, onlyId(rest));
  const status = await statusOf(directory, state);
  if (status === 'stopped' || status === 'creating') {
    throw new Error(`events ${state.id}: the container is ${status}`);
  }
  const hierarchies = await cgroupNeeded(state, 'events of');
  if (flags.stats) tell('stats', state.id, await statsOf(hierarchies, state.cgroup));
  else await stream(directory, state, hierarchies, every);
  return 0;
}
