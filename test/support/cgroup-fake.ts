/**
 * The cgroup files of a machine, in memory: takes the steps that runtimes do, writes down every write in its order, and
 * refuses what the kernel refuses. For controllers that the machine at hand has not, or has in the other version only.
 */

import type { Step } from '#native/spawn.ts';
import { type Hierarchies, hierarchiesOf } from '#node-agent/container/cgroups.ts';
import { V1Files } from './cgroup-fake-v1.ts';
import { V2Files } from './cgroup-fake-v2.ts';

/** What a write or a join comes to: nothing, or the kernel's word for no. */
export type Verdict = string | undefined;

/** One directory of one hierarchy. */
export interface Directory {
  readonly files: Map<string, string>;
  /** Puts a value into a file that is there. */
  write(file: string, value: string): Verdict;
}

/** A hierarchy: makes directories, and says who may join them. */
export interface FileSet {
  /** Below another, or the hierarchy's root. */
  make(parent: Directory | undefined): Directory;
  join(directory: Directory): Verdict;
}

/** ENOENT, EINVAL, EBUSY of a step. */
export class CgroupFakeError extends Error {
  readonly code: string;
  constructor(code: string, path: string) {
    super(`${code} ${path}`);
    this.code = code;
  }
}

const v1Line = (name: string) => `1 1 0:1 / /cg/${name} rw - cgroup cgroup rw,${name}`;
const v1Names =
  'cpu,cpuacct cpuset memory pids devices blkio freezer hugetlb net_cls net_prio'.split(' ');
const v1Lines = [...v1Names, 'rdma'].map(v1Line).join('\n');

/** The three kinds of machine that there are. */
export const machines: Readonly<Record<'v1' | 'v2' | 'hybrid', Hierarchies>> = {
  v1: hierarchiesOf(v1Lines, ''),
  v2: hierarchiesOf(
    '1 1 0:1 / /cg rw - cgroup2 cgroup2 rw',
    'cpuset cpu io memory hugetlb pids rdma',
  ),
  // As systemd's hybrid layout with one controller that v2 took over.
  hybrid: hierarchiesOf(
    `${v1Names
      .filter((name) => name !== 'hugetlb')
      .map(v1Line)
      .join('\n')}\n1 1 0:2 / /cg/unified rw - cgroup2 cgroup2 rw`,
    'hugetlb',
  ),
};

export class CgroupFake {
  /** Every write into a file, as `path value`, the mount point left out where it says nothing. */
  readonly writes: string[] = [];
  readonly #directories = new Map<
    string,
    { readonly kind: FileSet; readonly directory: Directory }
  >();

  constructor(hierarchies: Hierarchies) {
    const { v1, v2, v2Controllers } = hierarchies;
    const mounts = new Set(Object.values(v1));
    for (const mount of mounts) {
      const names = Object.keys(v1).filter((name) => v1[name as keyof typeof v1] === mount);
      this.#root(mount, new V1Files(names));
    }
    if (v2 !== undefined) this.#root(v2, new V2Files(v2Controllers));
  }

  #root(mount: string, kind: FileSet): void {
    this.#directories.set(mount, { kind, directory: kind.make(undefined) });
  }

  /** Does the steps in order. @throws CgroupFakeError for the first that the kernel would refuse */
  run(steps: readonly Step[]): void {
    for (const [what, path, value] of steps) this.#step(what, path, value);
  }

  #step(what: Step[0], path: string, value: string): void {
    if (what === 'mkdir') this.#mkdir(path);
    else if (what === 'write') this.#write(path, value);
    else if (what === 'write-either') this.#either(path, value);
    else if (what === 'inherit') this.#inherit(path);
    else if (what === 'devices') this.writes.push(`${path} devices`);
    else throw new Error(`the fake knows no step ${what}`);
  }

  #mkdir(path: string): void {
    if (this.#directories.has(path)) return;
    const above = this.#directories.get(path.slice(0, path.lastIndexOf('/')));
    if (above === undefined) throw new CgroupFakeError('ENOENT', path);
    const { kind } = above;
    this.#directories.set(path, { kind, directory: kind.make(above.directory) });
  }

  #write(path: string, value: string): void {
    const at = path.lastIndexOf('/');
    const found = this.#directories.get(path.slice(0, at))?.directory;
    const file = path.slice(at + 1);
    const verdict = found?.files.has(file) === true ? found.write(file, value) : 'ENOENT';
    if (verdict !== undefined) throw new CgroupFakeError(verdict, `${path} ${value}`);
    this.writes.push(`${path} ${value}`);
  }

  #either(directory: string, lines: string): void {
    const choices = lines.split('\n').map((line) => line.split(/=(.*)/s));
    const found = choices.find(([file]) => this.read(`${directory}/${file}`) !== undefined);
    if (found === undefined) throw new CgroupFakeError('ENOENT', directory);
    this.#write(`${directory}/${found[0]}`, found[1] ?? '');
  }

  #inherit(path: string): void {
    if (this.read(path)) return;
    const [, above = '', file = ''] = /^(.*)\/[^/]*\/([^/]*)$/.exec(path) ?? [];
    this.#write(path, this.read(`${above}/${file}`) ?? '');
  }

  read(path: string): string | undefined {
    const at = path.lastIndexOf('/');
    return this.#directories.get(path.slice(0, at))?.directory.files.get(path.slice(at + 1));
  }

  /** A process goes where a runtime puts it. @throws CgroupFakeError when it may not */
  join(directories: readonly string[]): void {
    for (const path of directories) {
      const found = this.#directories.get(path);
      if (found === undefined) throw new CgroupFakeError('ENOENT', path);
      const verdict = found.kind.join(found.directory);
      if (verdict !== undefined) throw new CgroupFakeError(verdict, `join ${path}`);
    }
  }
}
