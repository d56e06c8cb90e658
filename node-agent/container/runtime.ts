/**
 * What the pod side asks of the container side. The implementation drives one supervisor process per container;
 * tests of the pod side use an in-memory one.
 */

import type { Readable, Writable } from 'node:stream';
import type { Observable } from 'rxjs';
import type { Resources } from './cgroup-resources.ts';
import type { ContainerStats } from './cgroup-stats.ts';
import type { LogLimits } from './log-rotation.ts';
import type { ContainerSettings, SandboxSettings } from './settings.ts';

export interface Mount {
  /** `bind`: `source` is a host path (file or directory). `tmpfs`: no source. */
  readonly type: 'bind' | 'tmpfs';
  readonly source?: string;
  /**
   * `bind`: a host directory (a volume). `source` is then a path below it, whose links lead
   * nowhere outside of it; made as a directory if missing.
   */
  readonly root?: string;
  /** Absolute path inside the container; made if missing. */
  readonly target: string;
  readonly readonly: boolean;
  /** With `readonly`: what is mounted below it is read-only, too. */
  readonly recursiveReadonly?: boolean;
  readonly propagation?: 'private' | 'rslave' | 'rshared';
  /** More, in the words of OCI's runtime-spec (`mount-options.ts`). A tmpfs is `nosuid` and `nodev` always. */
  readonly options?: readonly string[];
  /** `tmpfs`: size limit. */
  readonly sizeBytes?: number;
}

export interface JoinedContainers {
  readonly network?: string;
  /** With its /dev/shm. */
  readonly ipc?: string;
  readonly pid?: string;
}

/** Which system calls a container's processes may make. */
export type SeccompProfile =
  | { readonly type: 'RuntimeDefault' }
  | { readonly type: 'Unconfined' }
  /**
   * `path`: an absolute path on the node, of a profile in OCI's or Docker's form. It is read once,
   * at the start.
   */
  | { readonly type: 'Localhost'; readonly path: string };

export interface ContainerSpec extends ContainerSettings {
  /** 64 hexadecimal digits; chosen by the caller, unique on the node. */
  readonly id: string;
  /** The sandbox whose namespaces it joins. */
  readonly sandboxId: string;
  /** Layer directories, lowest first. */
  readonly layers: readonly string[];
  /** The directory that holds the writable layer (`upper/`, `work/` are made inside); kept until `removeLayer`. */
  readonly layerDir: string;
  /** The writable layer outlives the container: what a program syncs is on disk. Else it is never synced. */
  readonly keepsLayer?: boolean;
  readonly readonlyRootfs: boolean;
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  readonly mounts: readonly Mount[];
  readonly privileged: boolean;
  /** Names as `CAP_CHOWN`; absent: Docker's default set. */
  readonly capabilities?: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Absent: `RuntimeDefault`, of a privileged container `Unconfined`. */
  readonly seccomp?: SeccompProfile;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly resources: Resources;
  readonly oomScoreAdj: number;
  /** Containers that run, by id, whose namespaces it has instead of its sandbox's. */
  readonly joins?: JoinedContainers;
  /** Below the sandbox's cgroup. */
  readonly cgroupName: string;
  /** CRI log file; its directory exists. */
  readonly logPath: string;
  /** When the log is rotated; absent: at 10 MiB, 5 files. */
  readonly logLimits?: LogLimits;
  /** Free text kept with the container and given back by `adopt` (the pod's key, the container's name, the attempt). */
  readonly labels: Readonly<Record<string, string>>;
}

export interface SandboxSpec extends SandboxSettings {
  readonly id: string;
  readonly hostname: string;
  /** The path of a network namespace to join; absent: the host's. */
  readonly netnsPath?: string;
  readonly hostIpc: boolean;
  readonly hostPid: boolean;
  /** `/bayplan[-name]/<qos>/pod<uid>`: the sandbox's cgroup, made by `createSandbox`. */
  readonly cgroupPath: string;
  readonly resources: Resources;
  readonly labels: Readonly<Record<string, string>>;
}

export type ContainerPhase =
  | { readonly phase: 'created' }
  | {
      readonly phase: 'running';
      readonly pid: number;
      readonly startedAt: string;
      /** `pause` stopped its processes. */
      readonly paused?: true;
    }
  | {
      readonly phase: 'exited';
      readonly exitCode: number;
      /** The signal that ended it, if one did. */
      readonly signal?: number;
      readonly oomKilled: boolean;
      readonly startedAt: string;
      readonly finishedAt: string;
      /**
       * Why, where the exit code does not say it: it never ran (`StartError`), or nobody saw its end because its
       * supervisor was killed (`Unknown`, exit code 255).
       */
      readonly reason?: 'StartError' | 'Unknown';
      /** `reason` in words, or the facts of running out of memory. */
      readonly message?: string;
    };

/** Processes that the kernel killed for want of memory. */
export interface MemoryKills {
  /** Since the container's start. */
  readonly count: number;
  /** What was killed, the limit, the most that was used. */
  readonly message: string;
}

export interface ContainerRecord {
  readonly spec: ContainerSpec;
  readonly state: ContainerPhase;
  /** As this life of the agent heard of them. */
  readonly memoryKills?: MemoryKills;
}

/** The container could not be started: `exitCode` is 126 (not executable), 127 (not found) or 128 (anything else). */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: 126 | 127 | 128;
  constructor(message: string, exitCode: 126 | 127 | 128, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export interface ExecSpec {
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly user?: ContainerSpec['user'];
  readonly tty: boolean;
  readonly stdin: boolean;
  /** `tty`: the terminal's size from the first instruction on. */
  readonly size?: TerminalSize;
  /** With every capability that root may have here. */
  readonly privileged?: boolean;
  /** Nobody waits for it: its streams are /dev/null, it lives on without us, and the session is over when it runs. */
  readonly detached?: boolean;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A process's streams at our end. With a tty everything comes on `stdout`. */
export interface Session {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  resize(columns: number, rows: number): void;
  /** `exec`: the exit code; `attach`: the container's. */
  readonly exitCode: Promise<number>;
  /** Ends the session; an exec'ed process gets SIGKILL, an attached container goes on. */
  close(): void;
}

/** What it brings follows on the first `loggedBytes` of the file that the log is written to. */
export interface AttachedSession extends Session {
  readonly loggedBytes: number;
}

export interface RuntimeOptions {
  /** Kept state that survives a reboot; nothing is written there now but what `layerDir` names. */
  readonly dataDir: string;
  /** State of this boot: sockets, records, mount points. */
  readonly runDir: string;
  /** `/bayplan[-name]`: every cgroup made is below it. */
  readonly cgroupRoot: string;
  /** Keeps a supervisor and a sandbox's parts made beforehand: quicker starts, for a process that waits. */
  readonly spares?: boolean;
  /** Told of what needs no action but may interest: constant message, fields. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface ContainerRuntime {
  /** Reads the world: every sandbox and container this runtime made, also before a crash of the agent. Call once, first. */
  adopt(): Promise<{
    readonly sandboxes: readonly SandboxSpec[];
    readonly containers: readonly ContainerRecord[];
  }>;
  /** Every change of a container's state, from `adopt` on. */
  readonly changes: Observable<ContainerRecord>;
  createSandbox(spec: SandboxSpec): Promise<void>;
  sandbox(id: string): SandboxSpec | undefined;
  /** Kills what is left inside, removes namespaces and cgroup. Nothing to do is no error. */
  removeSandbox(id: string): Promise<void>;
  /** Makes all of it but that its program runs: `start` of the same is then a message. Ends by `remove`, or with this process. */
  prepare(spec: ContainerSpec): Promise<void>;
  /** Creates and starts; rejects with StartError, having cleaned up (the record stays, as `exited`, until `remove`). */
  start(spec: ContainerSpec): Promise<ContainerRecord>;
  get(id: string): ContainerRecord | undefined;
  signal(id: string, signal: number): Promise<void>;
  /** SIGKILL to every process of the container. */
  kill(id: string): Promise<void>;
  /** Forgets an exited container: supervisor, state directory, cgroup, mounts. The layer and the log stay. */
  remove(id: string): Promise<void>;
  /** Removes a writable layer made for `ContainerSpec.layerDir`. */
  removeLayer(layerDir: string): Promise<void>;
  exec(id: string, spec: ExecSpec): Promise<Session>;
  attach(id: string, options: { readonly stdin: boolean }): Promise<AttachedSession>;
  stats(id: string): Promise<ContainerStats>;
  /** The numbers of its processes on the node, those in cgroups that it made itself, too. */
  processes(id: string): Promise<readonly number[]>;
  /**
   * New limits for a running container, kept over restarts of the agent: what `change` has replaces, the rest stays.
   * Rejects with ResourceError for limits that cannot be, NativeError when the kernel refuses one.
   */
  update(id: string, change: Resources): Promise<void>;
  /** The same for the cgroup that a pod's containers share. A limit that grows: this first; one that shrinks: this last. */
  updateSandbox(id: string, change: Resources): Promise<void>;
  /** Stops every process of a running container where it is; resolves when all stand still. */
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** After somebody moved its log away: the rest is written into a new file. Of an ended container nothing is to do. */
  reopenLog(id: string): Promise<void>;
  /** Stops following; containers and supervisors go on. */
  close(): void;
}
