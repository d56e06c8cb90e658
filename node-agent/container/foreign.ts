/** Containers whose supervisor speaks a version of the wire that this agent does not know. */

import { readFile } from 'node:fs/promises';
import { processesIn } from './cgroup-files.ts';
import type { Hierarchies } from './cgroups.ts';
import type { Container } from './container.ts';
import { lostExit } from './lost.ts';
import { readExit, type StoredState } from './records.ts';

/** Nothing tells us of its end. */
const lookMs = 1_000;

/** Nobody can be asked over a wire that is not known: what works without it goes on (kill, remove, limits, pause). */
export class ForeignSupervisor extends Error {
  override readonly name = 'ForeignSupervisor';
  constructor(what: string, { spec, foreign }: Container) {
    super(
      `${what} container ${spec.id}: its supervisor speaks version ${foreign} of the protocol, which this agent does not know; use the agent that started it, or start the container anew`,
    );
  }
}

/** By pid: a number of the kernel's that may be somebody else's by now, so it must be in the container's cgroup. */
export async function signalForeign(
  hierarchies: Hierarchies,
  { state, cgroup }: Container,
  signal: number,
): Promise<void> {
  if (state.phase !== 'running') return;
  const { pid } = state;
  if ((await processesIn(hierarchies, cgroup)).includes(pid)) process.kill(pid, signal);
}

async function isThere({ supervisor }: StoredState): Promise<boolean> {
  const name = await readFile(`/proc/${supervisor}/comm`, 'utf8').catch(() => '');
  return name.startsWith('bay-supervisor');
}

/** Shows it as running, and looks now and then whether it has ended. */
export async function leaveAlone(
  container: Container,
  state: StoredState,
  around: { readonly hierarchies: Hierarchies; readonly isOpen: () => boolean },
): Promise<void> {
  const look = async (): Promise<boolean> => {
    const exit = await readExit(container.directory);
    const there = exit === undefined && (await isThere(state));
    if (!around.isOpen()) return false;
    if (there) return true;
    container.ends(exit ?? (await lostExit(around.hierarchies, container)));
    return false;
  };
  container.runsForeign(state);
  if (!(await look())) return;
  const timer = setInterval(() => {
    void look().then((there) => there || clearInterval(timer));
  }, lookMs);
  timer.unref();
  void container.ended().then(() => clearInterval(timer));
}
