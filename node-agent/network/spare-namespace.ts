/**
 * One network namespace made beforehand, in idle time: making one takes half of what attaching a pod takes. It is only a
 * descriptor, so that it ends with the process.
 */

import { closeSync } from 'node:fs';
import { configure, createNetns } from '#native/netlink.ts';
import { setUp } from '#native/netlink-requests.ts';

const LOOPBACK = 1;
/** Long enough that a start under way is not disturbed. */
const REFILL_AFTER_MS = 100;

export class SpareNamespace {
  #spare: Promise<number> | undefined;
  #refill: NodeJS.Timeout | undefined;

  /** A namespace with its loopback up, as a descriptor that is now the caller's. */
  async take(): Promise<number> {
    const spare = this.#spare;
    this.#spare = undefined;
    this.prepare();
    return spare?.catch(make) ?? make();
  }

  /** Makes one soon, if there is none. */
  prepare(): void {
    if (this.#spare !== undefined) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      this.#spare ??= make();
      this.#spare.catch(() => {}); // seen by who takes it, and tried again
    }, REFILL_AFTER_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#refill);
    const fd = await this.#spare?.catch(() => undefined);
    this.#spare = undefined;
    if (fd !== undefined) closeSync(fd);
  }
}

async function make(): Promise<number> {
  const fd = await createNetns();
  try {
    await configure([setUp(LOOPBACK)], { netns: fd });
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
