/**
 * What sandboxes have alike, made in idle time: an ipc and a uts namespace, and the memory of /dev/shm. To make a sandbox is then
 * to mount and to name them. They are only descriptors, so that they end with the process.
 */

import { closeSync } from 'node:fs';
import { makeSandboxParts, type SandboxParts } from '#native/spawn.ts';

/** Long enough that a start under way is not disturbed. */
const REFILL_AFTER_MS = 100;

export function closeParts({ ipc, uts, shm }: SandboxParts): void {
  for (const fd of [ipc, uts, shm]) closeSync(fd);
}

export class SpareSandbox {
  readonly #memory: string;
  #wanted: boolean;
  #spare: Promise<SandboxParts | undefined> | undefined;
  #refill: NodeJS.Timeout | undefined;

  /** `memory`: options of the tmpfs. `wanted`: otherwise nothing here does anything. */
  constructor(memory: string, wanted: boolean) {
    this.#memory = memory;
    this.#wanted = wanted;
  }

  /** From now on it is the caller's, to be closed. Undefined: there is none. */
  take(): Promise<SandboxParts | undefined> | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    this.prepare();
    return spare;
  }

  /** Makes one soon, if there is none. */
  prepare(): void {
    if (!this.#wanted || this.#spare !== undefined) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      // What is wrong is found out, and said, by who makes a sandbox without it.
      this.#spare ??= makeSandboxParts(this.#memory).catch(() => undefined);
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }

  close(): void {
    clearTimeout(this.#refill);
    this.#wanted = false;
    void this.#spare?.then((parts) => parts && closeParts(parts));
    this.#spare = undefined;
  }
}
