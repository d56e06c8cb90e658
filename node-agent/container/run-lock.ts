/** One agent at a time uses a run directory: two would start and remove the same containers. */

import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLockFile } from '#native/descriptors.ts';

/** An agent that is being stopped, or a child of one between its making and its program, is gone by then. */
const patienceMs = 5_000;
const pauseMs = 20;

/** Who has a run directory, as it says of itself. */
interface Holder {
  readonly pid: number;
  readonly since: string;
  readonly command: string;
}

/** Another process uses the run directory. */
export class RunDirectoryInUse extends Error {
  override readonly name = 'RunDirectoryInUse';
  readonly runDir: string;
  readonly holder: Holder | undefined;

  constructor(runDir: string, holder: Holder | undefined) {
    const who =
      holder === undefined
        ? 'another process'
        : `process ${holder.pid} (${holder.command}, since ${holder.since})`;
    const stop = holder === undefined ? 'stop it' : `stop it (kill ${holder.pid})`;
    super(
      `use run directory ${runDir}: ${who} uses it; ${stop}, or give this one a run directory of its own`,
    );
    this.runDir = runDir;
    this.holder = holder;
  }
}

function holderOf(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return; // It has not said who it is yet.
  }
}

/** A run directory that is ours until `release`, or until this process ends however it does. */
export class RunLock {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** @throws RunDirectoryInUse when another has it, and keeps it for some seconds */
  static async take(runDir: string, waitMs: number = patienceMs): Promise<RunLock> {
    const path = `${runDir}/agent.lock`;
    const deadline = Date.now() + waitMs;
    for (;;) {
      const descriptor = tryLockFile(path);
      if (descriptor !== undefined) {
        const { pid, title } = process;
        const command = [title, ...process.argv.slice(1)].join(' ');
        writeFileSync(path, JSON.stringify({ pid, since: new Date().toISOString(), command }));
        return new RunLock(descriptor);
      }
      if (Date.now() >= deadline) throw new RunDirectoryInUse(runDir, holderOf(path));
      await sleep(pauseMs);
    }
  }

  release(): void {
    closeSync(this.#descriptor);
  }
}
