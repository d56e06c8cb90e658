/**
 * Content is not forced to the disk while an image is loaded: that would take longer than all the rest. Instead a mark with
 * the machine's boot ID, one of each process, says that some may be only in memory; some time later everything is forced out
 * and the mark goes. A process can be killed at any time and loses nothing by it. Only when the machine itself went down, the
 * mark of an earlier boot is found, and content can no longer be trusted for being there.
 */

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFs } from '#native/files.ts';
import type { Session } from './session.ts';

/** After the start of what the image was loaded for. */
const SECURE_AFTER_MS = 3000;
const MARK = 'not-yet-on-disk-';

function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8');
}

export class Durability {
  readonly #directory: string;
  readonly #session: Session;
  readonly #mark: string;
  /** Goes up with each change: forcing out counts only if none began meanwhile. */
  #changes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, session: Session) {
    this.#directory = directory;
    this.#session = session;
    this.#mark = `${MARK}${session.id}`;
  }

  /** Whether the machine went down before everything was on its disk. Call once, first. */
  async wasInterrupted(): Promise<boolean> {
    const marks = await this.#marks();
    if (marks.length === 0) return false;
    this.secureSoon();
    const boot = await bootId();
    const texts = marks.map((name) =>
      readFile(join(this.#directory, name), 'utf8').catch(() => ''),
    );
    return (await Promise.all(texts)).some((text) => text !== '' && text !== boot);
  }

  /** Call before content is given its place. */
  async begin(): Promise<void> {
    this.#changes++;
    await writeFile(join(this.#directory, this.#mark), await bootId(), { flush: true });
  }

  /** The doubt has had its consequences: marks of processes that are gone do not count any more. Call after `begin`. */
  async settle(): Promise<void> {
    for (const name of await this.#marks()) if (this.#isOfTheDead(name)) await this.#remove(name);
  }

  /** Forces everything out after a while. */
  secureSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#secure().catch(() => {}); // the mark stays, and with it the doubt
    }, SECURE_AFTER_MS).unref();
  }

  /** No more of it. What is marked stays marked. */
  close(): void {
    clearTimeout(this.#timer);
  }

  async #secure(): Promise<void> {
    const before = this.#changes;
    // Who is dead when it begins has changed nothing since.
    const dead = (await this.#marks()).filter((name) => this.#isOfTheDead(name));
    await syncFs(this.#directory);
    for (const name of dead) await this.#remove(name);
    if (this.#changes === before) await this.#remove(this.#mark);
  }

  async #marks(): Promise<readonly string[]> {
    return (await readdir(this.#directory)).filter((name) => name.startsWith(MARK));
  }

  #isOfTheDead(name: string): boolean {
    return !this.#session.isAlive(name.slice(MARK.length));
  }

  #remove(name: string): Promise<void> {
    return rm(join(this.#directory, name), { force: true });
  }
}
