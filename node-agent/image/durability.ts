/**
 * Content is not forced to the disk while an image is loaded: that would take longer than all the rest. Instead a mark with
 * the machine's boot ID says that some may be only in memory; some time later everything is forced out and the mark goes.
 * A process can be killed at any time and loses nothing by it. Only when the machine itself went down, the mark of an
 * earlier boot is found, and content can no longer be trusted for being there.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFs } from '#native/files.ts';

/** After the start of what the image was loaded for. */
const SECURE_AFTER_MS = 3000;

function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8');
}

export class Durability {
  readonly #directory: string;
  readonly #mark: string;
  /** Goes up with each change: forcing out counts only if none began meanwhile. */
  #changes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#mark = join(directory, 'not-yet-on-disk');
  }

  /** Whether the machine went down before everything was on its disk. Call once, first. */
  async wasInterrupted(): Promise<boolean> {
    const marked = await readFile(this.#mark, 'utf8').catch(() => undefined);
    if (marked === undefined) return false;
    this.secureSoon();
    return marked !== (await bootId());
  }

  /** Call before content is given its place. */
  async begin(): Promise<void> {
    this.#changes++;
    await writeFile(this.#mark, await bootId(), { flush: true });
  }

  /** Forces everything out after a while. */
  secureSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#secure().catch(() => {}); // the mark stays, and with it the doubt
    }, SECURE_AFTER_MS).unref();
  }

  async #secure(): Promise<void> {
    const before = this.#changes;
    await syncFs(this.#directory);
    if (this.#changes === before) await rm(this.#mark, { force: true });
  }
}
