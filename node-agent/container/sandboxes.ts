/** The namespaces and the cgroup that the containers of a pod share. */

import { createNamespaces, reap, runSteps, type SandboxParts, type Step } from '#native/spawn.ts';
import { checkResources } from './cgroup-check.ts';
import { childCgroups, pruneCgroups, removeCgroup } from './cgroup-files.ts';
import { limitSteps } from './cgroup-limits.ts';
import type { Resources } from './cgroup-resources.ts';
import { updateCgroup } from './cgroup-update.ts';
import { createLastSteps, createSteps, type Hierarchies } from './cgroups.ts';
import { holdPidNamespace } from './pid-holder.ts';
import { bootId, namesIn, readReady, readSandbox } from './records.ts';
import type { SandboxSpec } from './runtime.ts';
import { closeParts, SpareSandbox } from './spare-sandbox.ts';
import { withNumbers } from './user-numbers.ts';

/** Docker's size of /dev/shm; the containers of a pod share one. */
const shmBytes = 64 * 1024 * 1024;

const memoryOptions = (bytes = shmBytes): string => `mode=1777,size=${bytes}`;

/** Whether all that was made beforehand is what it wants. */
const isUsual = (spec: SandboxSpec): boolean =>
  !spec.hostIpc &&
  spec.hostUts !== true &&
  spec.sharePid !== true &&
  (spec.shmBytes ?? shmBytes) === shmBytes;

export interface SandboxPaths {
  readonly ipc: string;
  readonly uts: string;
  readonly shm: string;
  readonly pid: string;
}

export class Sandboxes {
  readonly #place: string;
  readonly #cgroupRoot: string;
  readonly #hierarchies: Hierarchies;
  readonly #known = new Map<string, SandboxSpec>();
  /** Children of ours that hold process namespaces. */
  readonly #holders = new Map<string, number>();
  readonly #spare: SpareSandbox;

  /** `spare`: one is made in idle time. */
  constructor(place: string, cgroupRoot: string, hierarchies: Hierarchies, spare: boolean) {
    this.#place = place;
    this.#cgroupRoot = cgroupRoot;
    this.#hierarchies = hierarchies;
    this.#spare = new SpareSandbox(memoryOptions(), spare);
    this.#spare.prepare();
  }

  /** What was made in idle time goes. */
  close(): void {
    this.#spare.close();
  }

  get(id: string): SandboxSpec | undefined {
    return this.#known.get(id);
  }

  /** Its containers have no process namespace of their own. */
  sharesPids(id: string): boolean {
    const spec = this.#known.get(id);
    return spec?.hostPid === true || spec?.sharePid === true;
  }

  paths(id: string): SandboxPaths {
    const directory = `${this.#place}/${id}`;
    const path = (name: string) => `${directory}/${name}`;
    return { ipc: path('ipc'), uts: path('uts'), shm: path('shm'), pid: path('pid') };
  }

  /** Makes one. What was made is undone when a step fails. */
  async create(asked: SandboxSpec): Promise<void> {
    checkResources(asked.resources);
    const spec = withNumbers(asked, [...this.#known.values()]);
    this.#known.set(spec.id, spec);
    try {
      const parts = isUsual(spec) ? await this.#spare.take() : undefined;
      if (parts === undefined) await this.#make(spec);
      else await this.#put(spec, parts).finally(() => closeParts(parts));
    } catch (error) {
      await this.remove(spec.id);
      throw error;
    }
  }

  /** Its directory and what was asked, before anything else. */
  #firstSteps(spec: SandboxSpec): Step[] {
    const directory = `${this.#place}/${spec.id}`;
    return [
      ['mkdir', this.#place, '700'],
      ['mkdir', directory, '700'],
      ['create', `${directory}/sandbox.json`, JSON.stringify(spec)],
    ];
  }

  async #lastStep({ id }: SandboxSpec): Promise<Step> {
    return ['create', `${this.#place}/${id}/ready`, await bootId()];
  }

  async #make(spec: SandboxSpec): Promise<void> {
    const { shm } = this.paths(spec.id);
    const memory: Step[] = [
      ['mkdir', shm, '755'],
      ['shm', shm, memoryOptions(spec.shmBytes)],
    ];
    await runSteps([...this.#firstSteps(spec), ...(spec.hostIpc ? [] : memory)]);
    await Promise.all([this.#createCgroup(spec), this.#createNamespaces(spec)]);
    if (spec.sharePid === true) await this.#holdPids(spec);
    await runSteps([await this.#lastStep(spec)]);
  }

  /** Gives it what was made beforehand: mostly in one go. */
  async #put(spec: SandboxSpec, parts: SandboxParts): Promise<void> {
    const { ipc, uts, shm } = this.paths(spec.id);
    const last = await this.#lastStep(spec);
    const own: Step[] = [
      ...this.#firstSteps(spec),
      ['mkdir', shm, '755'],
      ['attach', shm, String(parts.shm)],
      ['bind', ipc, `/proc/self/fd/${parts.ipc}`],
      ['bind', uts, `/proc/self/fd/${parts.uts}`],
      ['name-host', uts, spec.hostname],
    ];
    const { cgroupPath, resources } = spec;
    const mine = createLastSteps(this.#hierarchies, cgroupPath, resources);
    const limits = limitSteps(this.#hierarchies, cgroupPath, resources);
    try {
      await runSteps([...own, ...mine, ...limits, last]);
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      // What is above its cgroup is not there.
      if (code !== 'ENOENT' || syscall !== 'mkdir') throw error;
      await this.#createCgroup(spec);
      await runSteps([last]);
    }
  }

  /** @throws ResourceError, NativeError; what was refused is not kept */
  async update(id: string, change: Resources): Promise<void> {
    const spec = this.#known.get(id);
    if (spec === undefined) throw new Error(`update sandbox ${id}: not known on this node`);
    const { cgroupPath, resources: present } = spec;
    const keep = async (resources: Resources) => {
      const updated = { ...spec, resources };
      this.#known.set(id, updated);
      await runSteps([['create', `${this.#place}/${id}/sandbox.json`, JSON.stringify(updated)]]);
    };
    await updateCgroup(this.#hierarchies, cgroupPath, { present, change, keep });
  }

  async #createCgroup(spec: SandboxSpec): Promise<void> {
    const { cgroupPath, resources } = spec;
    const limits = limitSteps(this.#hierarchies, cgroupPath, resources);
    const make = (steps: readonly Step[]) => runSteps([...steps, ...limits]);
    const makeAll = () => make(createSteps(this.#hierarchies, cgroupPath, resources));
    const again = (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return makeAll();
    };
    // Mostly other sandboxes have made what is above. Removing the last of them may take an empty parent away just now:
    // making it again is all that is needed.
    const last = createLastSteps(this.#hierarchies, cgroupPath, resources);
    await make(last).catch(again).catch(again);
  }

  async #holdPids({ id, cgroupPath }: SandboxSpec): Promise<void> {
    const directory = `${this.#place}/${id}`;
    const { pid: path } = this.paths(id);
    const hierarchies = this.#hierarchies;
    const pid = await holdPidNamespace({ directory, path, hierarchies, cgroup: cgroupPath });
    this.#holders.set(id, pid);
  }

  async #createNamespaces({ id, hostIpc, hostUts, hostname }: SandboxSpec): Promise<void> {
    const { ipc, uts } = this.paths(id);
    const own = { ipc: hostIpc ? '' : ipc, uts: hostUts === true ? '' : uts };
    if (own.ipc !== '' || own.uts !== '') await createNamespaces({ ...own, hostname });
  }

  /** Kills what is left inside, removes cgroup, namespaces and files. Nothing there is no error. */
  async remove(id: string): Promise<void> {
    const directory = `${this.#place}/${id}`;
    const spec = this.#known.get(id) ?? (await readSandbox(directory));
    const holder = this.#holders.get(id);
    // First it is no longer whole: an agent that finds the rest finishes this.
    await runSteps([['remove', `${directory}/ready`, '']]);
    await Promise.all([
      spec === undefined ? undefined : removeCgroup(this.#hierarchies, spec.cgroupPath),
      holder === undefined ? undefined : reap(holder),
    ]);
    this.#holders.delete(id);
    const { ipc, uts, shm, pid } = this.paths(id);
    await runSteps([
      ['unmount', ipc, ''],
      ['unmount', uts, ''],
      ['unmount', shm, ''],
      ['unmount', pid, ''],
      ['remove', directory, ''],
    ]);
    this.#known.delete(id);
    if (this.#known.size > 0) return;
    if (spec === undefined) await this.#pruneClasses();
    else await pruneCgroups(this.#hierarchies, spec.cgroupPath, this.#cgroupRoot);
  }

  /** Takes over what an earlier agent made; what it had not finished, or an earlier boot made, is undone. */
  async adopt(): Promise<readonly SandboxSpec[]> {
    const boot = await bootId();
    const names = await namesIn(this.#place);
    const whole = await Promise.all(names.map((id) => this.#readWhole(id, boot)));
    for (const spec of whole) if (spec !== undefined) this.#known.set(spec.id, spec);
    for (const id of names) if (!this.#known.has(id)) await this.remove(id);
    if (this.#known.size === 0) await this.#pruneClasses();
    return [...this.#known.values()];
  }

  async #readWhole(id: string, boot: string): Promise<SandboxSpec | undefined> {
    const directory = `${this.#place}/${id}`;
    const [spec, ready] = await Promise.all([readSandbox(directory), readReady(directory)]);
    return ready === boot ? spec : undefined;
  }

  /** The last sandbox's removal was interrupted after its record was gone. */
  async #pruneClasses(): Promise<void> {
    const classes = await childCgroups(this.#hierarchies, this.#cgroupRoot);
    for (const path of [...classes, this.#cgroupRoot]) {
      await pruneCgroups(this.#hierarchies, path, this.#cgroupRoot);
    }
  }
}
