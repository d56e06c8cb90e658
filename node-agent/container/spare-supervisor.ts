/** Keeps one supervisor started beforehand, made in idle time. */

import { dropSpareSupervisor, prepareSupervisor } from '#native/spawn.ts';

/** The start is answered first. Starts that come close after one another put it off, and find it if they are further apart. */
const REFILL_AFTER_MS = 2;

export class SpareSupervisor {
  #wanted: boolean;
  #refill: NodeJS.Timeout | undefined;

  /** `wanted`: otherwise nothing here does anything. */
  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** Makes one soon, if there is none; asked for while a container starts, which it must not hold up. */
  prepare(): void {
    if (this.#wanted) setImmediate(() => this.#refillSoon());
  }

  #refillSoon(): void {
    if (!this.#wanted) return;
    if (this.#refill !== undefined) return void this.#refill.refresh();
    // A start finds out what is wrong, and says it.
    this.#refill = setTimeout(
      () => void prepareSupervisor().catch(() => undefined),
      REFILL_AFTER_MS,
    );
    this.#refill.unref();
  }

  close(): void {
    clearTimeout(this.#refill);
    if (this.#wanted) void dropSpareSupervisor().catch(() => undefined);
    this.#wanted = false;
  }
}
