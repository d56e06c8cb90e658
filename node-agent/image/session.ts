/**
 * One process's part in a store that several have open: `sessions/<id>/`.
 *
 *     sessions/1f0c…/owner      locked as long as the process lives (flock: the kernel lets go when it dies, however it dies)
 *     sessions/1f0c…/lease-3    digests that nobody may remove, one a line
 *
 * Changes of the store and removals are made under one lock, `lock`. No clock decides anything: a lease is good while its
 * process lives, be it frozen for an hour, and not a moment longer (docs/decisions/0021).
 */

import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLockFile } from '#native/descriptors.ts';
import { runSteps } from '#native/spawn.ts';
import { type Digest, isDigest } from './digest.ts';

/** Between two looks for a lock that another process has: it has it for a few milliseconds, unless it is starved. */
const PAUSE_MS = { first: 1, longest: 25 };

export class Session {
  /** Begins the names of all that this session makes and that goes with it. */
  readonly id = randomBytes(6).toString('hex');
  readonly #root: string;
  readonly #sessions: string;
  #owner: number | undefined;
  #leases = 0;

  /** `root` is the store's directory, and exists. */
  constructor(root: string) {
    this.#root = root;
    this.#sessions = join(root, 'sessions');
  }

  /** Begins, and removes what processes left that died. Call under `locked`. */
  async begin(): Promise<void> {
    const own = join(this.#sessions, this.id);
    await mkdir(own, { recursive: true, mode: 0o700 });
    this.#owner = await lockFile(join(own, 'owner'));
    for (const id of await readdir(this.#sessions)) if (!this.isAlive(id)) this.#remove(id);
  }

  /** Does `work` while no other process changes the store. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const descriptor = await lockFile(join(this.#root, 'lock'));
    try {
      return await work();
    } finally {
      closeSync(descriptor);
    }
  }

  /** Whether the process that began it still lives. */
  isAlive(id: string): boolean {
    if (id === this.id) return true;
    try {
      const descriptor = tryLockFile(join(this.#sessions, id, 'owner'));
      if (descriptor === undefined) return true;
      closeSync(descriptor);
    } catch {
      // It has been removed just now, or is something else.
    }
    return false;
  }

  /** Tells other processes what must stay; the returned function lets it go. A removal may be under way meanwhile. */
  async lease(digests: readonly Digest[]): Promise<() => void> {
    const path = join(this.#sessions, this.id, `lease-${this.#leases++}`);
    await writeFile(path, digests.join('\n'), { mode: 0o600 });
    return () => removeFile(path);
  }

  /** What other living processes have leased. */
  async leasedByOthers(): Promise<ReadonlySet<Digest>> {
    const leased = new Set<Digest>();
    for (const id of await readdir(this.#sessions)) {
      if (id === this.id || !this.isAlive(id)) continue;
      for (const digest of await this.#leasesOf(id)) leased.add(digest);
    }
    return leased;
  }

  async #leasesOf(id: string): Promise<readonly Digest[]> {
    const directory = join(this.#sessions, id);
    const names = await readdir(directory).catch(() => []);
    const texts = names
      .filter((name) => name.startsWith('lease-'))
      .map((name) => readFile(join(directory, name), 'utf8').catch(() => ''));
    return (await Promise.all(texts)).flatMap((text) => text.split('\n')).filter(isDigest);
  }

  /** Ends: what was leased is free. */
  end(): void {
    if (this.#owner === undefined) return;
    this.#remove(this.id);
    closeSync(this.#owner);
    this.#owner = undefined;
  }

  #remove(id: string): void {
    rmSync(join(this.#sessions, id), { recursive: true, force: true });
  }
}

/**
 * A descriptor that has the file's lock, as soon as nobody else does; the file is made if it is missing. It may be removed by
 * whoever has its lock. @throws what the signal aborts with
 */
export async function lockFile(path: string, signal?: AbortSignal): Promise<number> {
  for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.longest)) {
    signal?.throwIfAborted();
    const descriptor = tryLockFile(path);
    if (descriptor !== undefined) {
      if (isStill(path, descriptor)) return descriptor;
      closeSync(descriptor);
    }
    await sleep(pause);
  }
}

/** Whether the file that was opened is the one that has the name now. */
function isStill(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === fstatSync(descriptor).ino;
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The session has ended.
  }
}

/** Removes below `directory` what sessions made that are over; names begin with `<prefix><session>-`. */
export async function removeLeftovers(
  session: Session,
  directory: string,
  prefix: string,
): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const [id = ''] = name.slice(prefix.length).split('-');
    if (!session.isAlive(id)) await removeWhole(join(directory, name));
  }
}

/** Removes a file or a tree, also one that goes deeper than a path can be long; nothing there is no error. */
export function removeWhole(path: string): Promise<void> {
  return runSteps([['remove', path, '']]);
}
