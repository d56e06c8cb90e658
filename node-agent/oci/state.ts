/** What is kept of a container, in `<root>/<id>/`, written by rename: everything else is read from the kernel. */

import {
  closeSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { lockDirectory } from '#native/descriptors.ts';
import type { Resources } from '../container/cgroup-resources.ts';
import type { Hierarchies } from '../container/cgroups.ts';
import type { Listener } from '../container/seccomp/listener.ts';
import type { Hooks } from './config/config.ts';
import type { JoinedMounts } from './joined-mounts.ts';
import type { ProcessName } from './process-name.ts';

/** One of our own, as trusted as the directory it lies in. */
export interface State {
  readonly version: 1;
  readonly ociVersion: string;
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly rootfs: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly created: string;
  /** The first process; none before it is made. */
  readonly init?: ProcessName;
  /** Below every hierarchy. */
  readonly cgroup: string;
  /** The topmost cgroup that was made for the container, if any was. */
  readonly cgroupMade?: string;
  /** What its cgroup is limited to; `update` changes it. Absent: what a version before kept. */
  readonly resources?: Resources;
  /** Where its maker may make cgroups, if not wherever they are: none where v1 and v2 are none. */
  readonly hierarchies?: Hierarchies;
  readonly hooks: Hooks;
  /** It has a user namespace of its own. */
  readonly hasUser?: boolean;
  /** Its mount namespace is others', too, and has another root. */
  readonly ownRoot?: boolean;
  readonly joinedMounts?: JoinedMounts;
  /** Who decides on its system calls, where its profile leaves some to another process. */
  readonly listener?: Listener;
  /** There is nothing to start: config.json has no process. */
  readonly idle?: boolean;
}

const idShape = /^[A-Za-z0-9_+.-]{1,255}$/;

/** @throws Error for what is no id: it becomes a directory's name */
export function checkId(id: string): string {
  if (idShape.test(id) && id !== '.' && id !== '..') return id;
  const wanted = 'up to 255 letters, digits and _ + - .';
  throw new Error(`${JSON.stringify(id)} is no id of a container: expected ${wanted}`);
}

/** A container's directory and what is in it. One at a time: a lock is held until `release`. */
export class Place {
  readonly directory: string;
  readonly id: string;
  #lock: number;

  private constructor(directory: string, id: string, lock: number) {
    this.directory = directory;
    this.id = id;
    this.#lock = lock;
  }

  /** Makes it. @throws Error when the id is taken */
  static async make(root: string, id: string): Promise<Place> {
    const directory = `${root}/${checkId(id)}`;
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
    } catch (cause) {
      const { message } = cause as Error;
      throw new Error(`make ${root}, where state is kept (--root): ${message}`, { cause });
    }
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new Error(`container ${id} exists already in ${root}; delete it or choose another id`);
    }
    return new Place(directory, id, await lockDirectory(directory));
  }

  /** Waits until nobody else works on it. @throws Error when there is none */
  static async open(root: string, id: string): Promise<Place> {
    const directory = `${root}/${checkId(id)}`;
    for (;;) {
      const lock = await lockDirectory(directory).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOENT' ? unknown(root, id) : error;
      });
      if (isSame(directory, lock)) return new Place(directory, id, lock);
      closeSync(lock); // deleted while we waited, perhaps made again
    }
  }

  /**
   * Whether there is a word of it: else its maker was killed, or could not write, before it made anything.
   * @throws Error where it cannot be looked at: what is not seen is not gone
   */
  isWritten(): boolean {
    return statSync(`${this.directory}/state.json`, { throwIfNoEntry: false }) !== undefined;
  }

  /** @throws Error when nothing is written */
  read(): State {
    return readState(this.directory);
  }

  write(state: State): void {
    const temporary = `${this.directory}/state.json.tmp`;
    writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
    renameSync(temporary, `${this.directory}/state.json`);
  }

  /** The last act: the id is free again. */
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
    this.release();
  }

  release(): void {
    if (this.#lock >= 0) closeSync(this.#lock);
    this.#lock = -1;
  }
}

const unknown = (root: string, id: string): Error =>
  new Error(`container ${JSON.stringify(id)} does not exist in ${root}`);

function isSame(directory: string, lock: number): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  return found !== undefined && found.ino === fstatSync(lock).ino;
}

function readState(directory: string): State {
  return JSON.parse(readFileSync(`${directory}/state.json`, 'utf8')) as State;
}

/** Looks without waiting for who works on it. @throws Error when there is none */
export function peek(root: string, id: string): { directory: string; state: State } {
  const directory = `${root}/${checkId(id)}`;
  try {
    return { directory, state: readState(directory) };
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? unknown(root, id) : error;
  }
}

/** The ids there are. */
export function idsIn(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => idShape.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
