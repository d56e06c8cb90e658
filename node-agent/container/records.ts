/**
 * What is on disk of containers and sandboxes, so that a new agent knows what an old one made.
 *
 *     <runDir>/c/<container>/spec.json   what was asked; the first thing written, so nothing exists without it
 *                            seccomp     the filter, base64, if its profile is a file
 *                            ctl.sock    the supervisor's socket
 *                            state       written by the supervisor before the program may run: without it nothing ran
 *                            exit        how it ended: by the supervisor, or by the agent if there is none
 *     <runDir>/ns/<sandbox>/sandbox.json what was asked, first
 *                           ipc uts shm  mount points
 *                           ready        the machine's boot ID; the last thing written
 */

import { readdir, readFile } from 'node:fs/promises';
import type { Step } from '#native/spawn.ts';
import type { ContainerPhase, ContainerSpec, SandboxSpec } from './runtime.ts';

/** The container's specification and the cgroup it was given. */
export interface StoredContainer {
  readonly version: 1;
  readonly cgroup: string;
  readonly spec: ContainerSpec;
}

export type ExitedPhase = Extract<ContainerPhase, { phase: 'exited' }>;

/** The places below the run directory. */
export interface Places {
  readonly containers: string;
  readonly sandboxes: string;
}

export const placesOf = (runDir: string): Places => ({
  containers: `${runDir}/c`,
  sandboxes: `${runDir}/ns`,
});

/** Nanoseconds since 1970 to RFC 3339 with as many digits. */
export function timeOf(nanoseconds: bigint): string {
  const whole = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    // Written whole or not at all, but a run directory on a disk may have lost it in a crash of the machine.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
}

export const readContainer = (directory: string): Promise<StoredContainer | undefined> =>
  readJson(`${directory}/spec.json`);

export interface StoredState {
  /** Of the wire that the supervisor speaks; the other fields are there in each. */
  readonly version: number;
  readonly supervisor: number;
  readonly pid: number;
  readonly startedAt: string;
}

/** The supervisor's own record that the program runs, or ran, or was about to. */
export async function readState(directory: string): Promise<StoredState | undefined> {
  const state = await readJson<{
    // Supervisors of before it was written speak the first.
    version?: number;
    supervisor: number;
    pid: number;
    started: string;
  }>(`${directory}/state`);
  if (state === undefined) return;
  const { version = 1, supervisor, pid, started } = state;
  return { version, supervisor, pid, startedAt: timeOf(BigInt(started)) };
}

interface StoredExit {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  readonly started: string;
  readonly finished: string;
  readonly reason?: 'StartError' | 'Unknown';
  readonly message?: string;
}

/** The phase that a stored or received exit means. */
export function exitedPhase(exit: {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  readonly started: bigint;
  readonly finished: bigint;
}): ExitedPhase {
  return {
    phase: 'exited',
    exitCode: exit.exitCode,
    ...(exit.signal === 0 ? {} : { signal: exit.signal }),
    oomKilled: exit.oomKilled,
    startedAt: timeOf(exit.started),
    finishedAt: timeOf(exit.finished),
  };
}

export async function readExit(directory: string): Promise<ExitedPhase | undefined> {
  const exit = await readJson<StoredExit>(`${directory}/exit`);
  if (exit === undefined) return;
  const { reason, message, started, finished } = exit;
  return {
    ...exitedPhase({ ...exit, started: BigInt(started), finished: BigInt(finished) }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

const nanosecondsOf = (time: string): string => String(BigInt(Date.parse(time)) * 1_000_000n);

/** Writes an exit that no supervisor could write. */
export function exitStep(directory: string, exit: ExitedPhase): Step {
  const stored: StoredExit = {
    exitCode: exit.exitCode,
    signal: exit.signal ?? 0,
    oomKilled: exit.oomKilled,
    started: nanosecondsOf(exit.startedAt),
    finished: nanosecondsOf(exit.finishedAt),
    ...(exit.reason === undefined ? {} : { reason: exit.reason }),
    ...(exit.message === undefined ? {} : { message: exit.message }),
  };
  return ['create', `${directory}/exit`, JSON.stringify(stored)];
}

export const specStep = (directory: string, stored: StoredContainer): Step => [
  'create',
  `${directory}/spec.json`,
  JSON.stringify(stored),
];

/** Makes the directories that hold all records. */
export const placeSteps = (runDir: string): Step[] => [
  ['mkdir', runDir, '711'],
  ['mkdir', placesOf(runDir).containers, '700'],
];

/** Makes the container's state directory with its specification. */
export const containerSteps = (directory: string, stored: StoredContainer): Step[] => [
  ['mkdir', directory, '700'],
  specStep(directory, stored),
];

/** Takes a container's record away: at once, for without its specification what is left of it is nobody's. */
export const forgetSteps = (directory: string): Step[] => [
  ['remove', `${directory}/spec.json`, ''],
  ['remove', directory, ''],
];

export const readSandbox = (directory: string): Promise<SandboxSpec | undefined> =>
  readJson(`${directory}/sandbox.json`);

/** The boot in which the sandbox was finished, or undefined if it never was. */
export const readReady = (directory: string): Promise<string | undefined> =>
  readFile(`${directory}/ready`, 'utf8').then(
    (text) => text,
    () => undefined,
  );

let boot: string | undefined;

/** What names this boot of the machine; a process sees only one. */
export async function bootId(): Promise<string> {
  boot ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return boot;
}

/** The names in a directory; none if it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
