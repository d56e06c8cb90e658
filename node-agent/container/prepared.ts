/** Containers of which all is made but that their programs run: one of them starts in the time of a message. */

import { reap, runSteps } from '#native/spawn.ts';
import type { Blueprint } from './blueprints.ts';
import { removeCgroupSteps } from './cgroup-files.ts';
import type { Hierarchies } from './cgroups.ts';
import { forgetSteps } from './records.ts';
import { type FailedStart, letRun, type Supervised, startContainer } from './start.ts';

export interface Ready extends Blueprint {
  readonly result: Promise<Supervised | FailedStart>;
}

export class PreparedContainers {
  readonly #hierarchies: () => Hierarchies;
  readonly #known = new Map<string, Ready>();
  #closed = false;

  constructor(hierarchies: () => Hierarchies) {
    this.#hierarchies = hierarchies;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Resolves when it is ready. @throws StartError; nothing is left of it then */
  async add(blueprint: Blueprint): Promise<void> {
    const { id } = blueprint.spec;
    const result = startContainer({ ...blueprint, held: true });
    this.#known.set(id, { ...blueprint, result });
    const made = await result;
    if (this.#closed) this.close();
    if (made.type === 'supervised') return;
    await this.drop(id);
    throw made.error;
  }

  /** From now on it is the caller's. Undefined: there is no such container, it is to be started as any other. */
  take(id: string): Ready | undefined {
    const ready = this.#known.get(id);
    this.#known.delete(id);
    return ready;
  }

  /** Undoes one; nothing there is no error. Its writable layer stays. */
  async drop(id: string): Promise<void> {
    const ready = this.#known.get(id);
    if (ready === undefined) return;
    this.#known.delete(id);
    const made = await ready.result;
    if (made.type === 'supervised') {
      made.connection.close();
      await reap(made.supervisor);
    }
    const { cgroup, directory } = ready;
    await runSteps([...removeCgroupSteps(this.#hierarchies(), cgroup), ...forgetSteps(directory)]);
  }

  /** Undoes those of a sandbox. */
  async dropOf(sandboxId: string): Promise<void> {
    const inside = [...this.#known.values()].filter(({ spec }) => spec.sandboxId === sandboxId);
    await Promise.all(inside.map(({ spec }) => this.drop(spec.id)));
  }

  /** Lets all go: their processes end, and the next life of the agent finds nothing that ran. */
  close(): void {
    this.#closed = true;
    for (const { result } of this.#known.values())
      void result.then((made) => {
        if (made.type === 'supervised') made.connection.close();
      });
    this.#known.clear();
  }
}

/** Runs the program of one that was taken. */
export async function runPrepared({
  spec,
  directory,
  result,
}: Ready): Promise<Supervised | FailedStart> {
  const made = await result;
  return made.type === 'supervised' ? letRun(spec, directory, made) : made;
}
