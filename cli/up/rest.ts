/**
 * How `bay up` rests: when all is ready it becomes a program of a few KiB (`native/src/lookout`). When a part ends or a signal comes
 * that becomes `resume.ts`, which does what is to be done and rests again.
 */
import { join } from 'node:path';
import { becomeLookout } from '#native/lookout.ts';
import { type Cluster, readJson, writeJson } from '../cluster.ts';
import { programPath } from '../program-path.ts';
import { heapFlags } from './node-program.ts';
import type { PartName } from './part-programs.ts';

/** What is known of a part's ends so far. */
export interface PartHistory {
  /** When it was started the last time, ms since the epoch. */
  readonly startedAt: number;
  /** How long was waited before that. */
  readonly backoffMs?: number;
}

/** What the next program must know; in `<run-dir>/rest.json`. */
export interface RestState {
  readonly cluster: Cluster;
  readonly history: Readonly<Partial<Record<PartName, PartHistory>>>;
}

const restPath = (runDir: string): string => join(runDir, 'rest.json');

/** Throws an error that names the file if it is missing or broken. */
export function readRestState(runDir: string): RestState {
  const state = readJson<RestState>(restPath(runDir));
  if (state === undefined) throw new Error(`${restPath(runDir)} is missing`);
  return state;
}

/** Does not come back unless somebody has asked for the end meanwhile (`isWanted` says no), or resting is impossible. */
export async function rest(state: RestState, isWanted: () => boolean): Promise<void> {
  const { runDir } = state.cluster;
  writeJson(restPath(runDir), state);
  const program = programPath('cli/up/resume.ts');
  await becomeLookout([process.execPath, ...heapFlags(), program, runDir], isWanted);
}
