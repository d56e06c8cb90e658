/**
 * Our end of the wire to a supervisor; `src/protocol.h` draws it. Writes specs; frames are in `frames.ts`.
 */

export const containerFlag = {
  hostPid: 1,
  readonlyRoot: 2,
  privileged: 4,
  stdinOnce: 8,
} as const;
export const processFlag = { tty: 1, stdin: 2, noNewPrivileges: 4 } as const;
export const mountType = { bind: 1, tmpfs: 2 } as const;
export const mountFlag = {
  readonly: 1,
  rslave: 2,
  rshared: 4,
  nosuid: 8,
  nodev: 16,
  noexec: 32,
} as const;

export interface WireProcess {
  readonly flags: number;
  readonly columns: number;
  readonly rows: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: bigint;
  readonly oomScoreAdj: number;
  readonly rlimits: readonly {
    readonly resource: number;
    readonly soft: bigint;
    readonly hard: bigint;
  }[];
  /** Directories of cgroup v1 hierarchies. */
  readonly cgroups: readonly string[];
  /** Directory of the cgroup v2 hierarchy, or empty. */
  readonly cgroup2: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** `struct sock_filter` after `struct sock_filter`; empty: no filter. */
  readonly seccomp: Uint8Array;
}

export interface WireMount {
  readonly type: number;
  readonly flags: number;
  readonly sizeBytes: number;
  /** Empty, or the directory that `source` begins in and cannot lead out of. */
  readonly root: string;
  readonly source: string;
  readonly target: string;
}

export interface WireDevice {
  /** Below /dev. */
  readonly name: string;
  /** Type and permission bits, as mknod(2) takes them. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

export interface WireContainer {
  readonly flags: number;
  readonly logPath: string;
  /** The log's size from which on the agent is asked to rotate it, and the one it never exceeds; 0: none. */
  readonly logLargeBytes: number;
  readonly logMostBytes: number;
  readonly netns: string;
  readonly ipcns: string;
  readonly utsns: string;
  readonly shm: string;
  readonly oomFile: string;
  /** Topmost first. */
  readonly layers: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly mounts: readonly WireMount[];
  readonly devices: readonly WireDevice[];
  readonly masked: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly process: WireProcess;
}

const encoded = new WeakMap<object, Buffer>();

/** A larger space is not kept. */
const keptSpace = 1 << 18;
/** Kept from one message to the next: memory of this size is not taken from Node's pool. */
let space = Buffer.allocUnsafeSlow(32_768);

/** Appends little-endian values to a buffer that grows. One at a time. */
class Writer {
  #bytes = space;
  #length = 0;

  #room(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
      if (larger.length <= keptSpace) space = larger;
    }
    return at;
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeUInt32LE(value >>> 0, at);
  }

  u64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64LE(value, at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#room(value.length + 1);
    this.#bytes.set(value, at);
    this.#bytes[at + value.length] = 0;
  }

  /** @throws TypeError for a string with a NUL, which the kernel would cut short. */
  string(value: string): void {
    if (value.includes('\0')) throw new TypeError(`${JSON.stringify(value)} contains a NUL byte`);
    const at = this.#room(4 + value.length * 3 + 1);
    const size = this.#bytes.write(value, at + 4);
    this.#bytes.writeUInt32LE(size, at);
    this.#bytes[at + 4 + size] = 0;
    this.#length = at + 4 + size + 1;
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.u32(items.length);
    for (const item of items) write(item);
  }

  strings(items: readonly string[]): void {
    this.list(items, (item) => this.string(item));
  }

  /** A list that is the same object every time is encoded once. */
  fixed<T>(items: readonly T[], write: (item: T) => void): void {
    const known = encoded.get(items);
    if (known !== undefined) {
      const at = this.#room(known.length);
      this.#bytes.set(known, at);
      return;
    }
    const from = this.#length;
    this.list(items, write);
    encoded.set(items, Buffer.from(this.#bytes.subarray(from, this.#length)));
  }

  /** Valid until the next message is written. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

function writeProcess(writer: Writer, process: WireProcess): void {
  writer.u32(process.flags);
  writer.u32(process.columns);
  writer.u32(process.rows);
  writer.u32(process.uid);
  writer.u32(process.gid);
  writer.list(process.groups, (group) => writer.u32(group));
  writer.u64(process.capabilities);
  writer.u32(process.oomScoreAdj);
  writer.fixed(process.rlimits, (limit) => {
    writer.u32(limit.resource);
    writer.u64(limit.soft);
    writer.u64(limit.hard);
  });
  writer.strings(process.cgroups);
  writer.string(process.cgroup2);
  writer.strings(process.args);
  writer.strings(process.env);
  writer.string(process.cwd);
  writer.bytes(process.seccomp);
}

/** The body of an `exec` request. */
export function encodeProcess(process: WireProcess): Buffer {
  const writer = new Writer();
  writeProcess(writer, process);
  return Buffer.from(writer.take());
}

/**
 * The spec a supervisor is started with, without its magic and length, which the addon puts before it.
 * Valid until the next message is encoded: `startSupervisor` copies it when called.
 */
export function encodeContainer(container: WireContainer): Buffer {
  const writer = new Writer();
  writer.u32(container.flags);
  writer.string(container.logPath);
  writer.u64(BigInt(container.logLargeBytes));
  writer.u64(BigInt(container.logMostBytes));
  writer.string(container.netns);
  writer.string(container.ipcns);
  writer.string(container.utsns);
  writer.string(container.shm);
  writer.string(container.oomFile);
  writer.strings(container.layers);
  writer.string(container.upper);
  writer.string(container.work);
  writer.list(container.mounts, (mount) => {
    writer.u32(mount.type);
    writer.u32(mount.flags);
    writer.u64(BigInt(mount.sizeBytes));
    writer.string(mount.root);
    writer.string(mount.source);
    writer.string(mount.target);
  });
  writer.fixed(container.devices, (device) => {
    writer.string(device.name);
    writer.u32(device.mode);
    writer.u32(device.major);
    writer.u32(device.minor);
  });
  writer.fixed(container.masked, (path) => writer.string(path));
  writer.fixed(container.readonlyPaths, (path) => writer.string(path));
  writeProcess(writer, container.process);
  return writer.take();
}
