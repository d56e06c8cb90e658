/**
 * The addon's face for starting supervisors and for doing many small file operations on a worker thread.
 */

import { loadAddon, supervisorPath } from './load.ts';

/**
 * One file operation: `[what, path, value]`.
 * `mkdir` (mode in octal; present is no error), `write` (into an existing file), `create` (whole or not at all), `rmdir`
 * (waits while a cgroup is busy; absent is no error), `remove` (a tree; absent is no error), `unmount` (not mounted is no
 * error), `bind` (mounts the file `value` on one made if missing), `tmpfs` (mounts one; value: its options), `shm` (the
 * same, noexec), `attach` (mounts what the descriptor `value` is the root of), `name-host` (gives the uts namespace kept at
 * the path the host name `value`).
 * Of cgroups: `inherit` (an empty file gets what the parent's has), `write-either` (path: a directory; value: lines of
 * `name=content`; the first file that is there is written), `await` (until the file says the line `value`; 5 s at most),
 * `uproot` (a cgroup with all below it, killing what is in there; absent is no error), `devices` (path: a v2 cgroup;
 * value: the device program for it, hexadecimal).
 */
export type Step = readonly [
  (
    | 'mkdir'
    | 'write'
    | 'create'
    | 'rmdir'
    | 'remove'
    | 'unmount'
    | 'bind'
    | 'tmpfs'
    | 'shm'
    | 'attach'
    | 'name-host'
    | 'inherit'
    | 'write-either'
    | 'await'
    | 'uproot'
    | 'devices'
  ),
  string,
  string,
];

export interface SupervisorOrder {
  /** The container's state directory: where `ctl.sock` is made and the supervisor works. Made by `before`. */
  readonly directory: string;
  readonly id: string;
  /** Done before the supervisor is started. */
  readonly before: readonly Step[];
  /** Called at once: what it gives is needed only when all of `before` is done. A failure of it is that of the start. */
  readonly rest: (give: (rest: SupervisorRest) => void) => void | Promise<void>;
}

export interface SupervisorRest {
  /**
   * Done while the container's process is made, which waits for it: its cgroups. The v2 one it is born into, so that has
   * to be there `before`. A text is one that `joined` made.
   */
  readonly meanwhile: readonly Step[] | string;
  /** From `encodeContainer`; copied. */
  readonly spec: Buffer;
}

export interface SupervisorAnswer {
  /** Of the supervisor, a child of this process. */
  readonly pid: number;
  /** The descriptor of a stream connection to it; -1 if it failed (and has ended). */
  readonly socket: number;
  /** Its first frame, `started` or `failed`, with header. */
  readonly frame: Buffer;
}

/** Of the addon: what a start waits for. */
interface PendingRest {
  readonly pending: unique symbol;
}

interface Face {
  sealedCopy(path: string): number;
  newRest(): PendingRest;
  giveRest(pending: PendingRest, meanwhile: string, spec: Buffer): void;
  withholdRest(pending: PendingRest): void;
  startSupervisor(
    executable: number,
    directory: string,
    id: string,
    before: string,
    rest: PendingRest,
  ): Promise<SupervisorAnswer>;
  prepareSupervisor(executable: number): Promise<void>;
  dropSpareSupervisor(): Promise<void>;
  runSteps(steps: string): Promise<void>;
  reap(pid: number): Promise<void>;
  createNamespaces(ipc: string, uts: string, hostname: string): Promise<void>;
  makeSandboxParts(memory: string): Promise<SandboxParts>;
}

/** Steps as `src/steps.h` reads them. @throws TypeError for a path with a NUL */
export function joined(steps: readonly Step[]): string {
  let text = '';
  for (const [what, path, value] of steps) {
    if (path.includes('\0')) throw new TypeError(`${JSON.stringify(path)} contains a NUL byte`);
    text += `${what}\0${path}\0${value}\0`;
  }
  return text;
}

let executable: number | undefined;

const program = (addon: Face): number => {
  executable ??= addon.sealedCopy(supervisorPath);
  return executable;
};

/**
 * Starts a supervisor; resolves when the container's program runs or could not be run.
 * At most four start at once; the others wait. The program is run from a sealed copy in memory.
 * @throws NativeError when a step, or starting the supervisor itself, failed; it has ended then.
 */
export async function startSupervisor(order: SupervisorOrder): Promise<SupervisorAnswer> {
  const addon = loadAddon<Face>();
  const { directory, id, before, rest } = order;
  const pending = addon.newRest();
  const answer = addon.startSupervisor(program(addon), directory, id, joined(before), pending);
  // It may be there before it is waited for.
  answer.catch(() => undefined);
  try {
    await rest(({ meanwhile, spec }) =>
      addon.giveRest(pending, typeof meanwhile === 'string' ? meanwhile : joined(meanwhile), spec),
    );
  } catch (error) {
    addon.withholdRest(pending);
    await answer.catch(() => undefined);
    throw error;
  }
  // Of no effect after it was given; or the start would wait for ever.
  addon.withholdRest(pending);
  return answer;
}

/**
 * Starts one supervisor beforehand, unless there is one: the next `startSupervisor` takes it, which is quicker by what
 * starting its program takes. It ends with this process.
 */
export function prepareSupervisor(): Promise<void> {
  const addon = loadAddon<Face>();
  return addon.prepareSupervisor(program(addon));
}

/** Ends what `prepareSupervisor` started and nobody took. */
export const dropSpareSupervisor = (): Promise<void> => loadAddon<Face>().dropSpareSupervisor();

/** Does the steps in order on a worker thread; rejects with the NativeError of the first that fails. */
export function runSteps(steps: readonly Step[]): Promise<void> {
  return loadAddon<Face>().runSteps(joined(steps));
}

/** Takes the status of a supervisor that is ending; one that is not our child is somebody else's to take. */
export function reap(pid: number): Promise<void> {
  return loadAddon<Face>().reap(pid);
}

/**
 * Makes an ipc and a uts namespace, kept by bind mounts on the given paths (made if missing); an empty path leaves that
 * kind out. The uts namespace gets the hostname.
 */
export function createNamespaces(wanted: {
  readonly ipc: string;
  readonly uts: string;
  readonly hostname: string;
}): Promise<void> {
  return loadAddon<Face>().createNamespaces(wanted.ipc, wanted.uts, wanted.hostname);
}

/** Descriptors of what sandboxes have alike; the caller closes them. Nothing else holds any of it. */
export interface SandboxParts {
  readonly ipc: number;
  /** A uts namespace whose host has no name of its own yet. */
  readonly uts: number;
  /** The root of a tmpfs that is mounted nowhere. */
  readonly shm: number;
}

/** `memory`: options of the tmpfs, as `mode=1777,size=65536`. @throws NativeError */
export function makeSandboxParts(memory: string): Promise<SandboxParts> {
  return loadAddon<Face>().makeSandboxParts(memory);
}
