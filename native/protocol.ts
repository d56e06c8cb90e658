// What a supervisor is told of a container and of a process in it: `src/protocol.h` draws it, `encode.ts` writes it.
// It holds no policy: every mount, device and namespace a container is to have is named here.
/** What a supervisor's `state` says it speaks (PROTOCOL_VERSION): with another one there is no talking. */
export const protocolVersion = 2;

export const containerFlag = {
  /** In the end nothing can be written to the root's own mount. */
  readonlyRoot: 1,
  /** stdin closes with the first attached client that had it. */
  stdinOnce: 2,
  /** The first layer itself is the root, no overlay is made. */
  plainRoot: 4,
  /** The files of the layers show their owners by the maps of the user namespace. */
  mapLayers: 8,
  /** What is synced to the upper layer survives a crash of the machine. */
  keepLayer: 16,
  /** Nobody else is in its user namespace yet. */
  alone: 32,
} as const;
export const processFlag = {
  tty: 1,
  stdin: 2,
  noNewPrivileges: 4,
  /** `exec`: the container has a user namespace of its own. */
  joinUser: 8,
  /** `oomScoreAdj` counts. */
  oomScore: 16,
  /** The working directory is made if missing. */
  makeCwd: 32,
  /** `exec`: not the root of its mount namespace, which it shares. */
  ownRoot: 64,
  /** Ready to run its program, it waits for `continue`; it ends with the connection. */
  held: 128,
  /** `exec`: its streams are /dev/null, and it outlives the connection. */
  detached: 256,
  /** Who hands it over has no rights on the host: the user namespace is entered first, and gives them. */
  rootless: 512,
  /** Supplementary groups stay those of who starts it: its user namespace forbids setgroups(2). */
  keepGroups: 1024,
  /** Only where there is one: `memoryPolicy` says so. */
  memoryPolicy: 2048,
} as const;

/** clone(2)'s flags. */
export const namespaceType = {
  time: 0x80,
  mount: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
} as const;

export const mountKind = {
  /** Of `source`. */
  bind: 1,
  /** A new one of `type`, configured by `options`. */
  filesystem: 2,
  /** Only changes the attributes of what is mounted on the target, and by `options` its file system. */
  remount: 3,
} as const;
export const mountFlag = {
  /** `bind`: with all that is mounted below the source. */
  recursive: 1,
  /** No component of the target may be a link of the image. */
  plain: 2,
  /** `filesystem`: what the image has at the target is copied into it. */
  copyUp: 4,
  /** Owners are shown by the mount's maps, or by those of the container's user namespace if it has none. */
  idmap: 8,
  /** The same for all that is mounted below it. */
  recursiveIdmap: 16,
  /** `filesystem`: where the kernel lets nobody make a new one, what is at `root` is shown in its place. */
  standIn: 32,
} as const;

/** mount_setattr(2)'s. Of the times of access one is set; clearing `accessTimes` goes with it. */
export const mountAttribute = {
  readonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  noatime: 0x10,
  strictatime: 0x20,
  accessTimes: 0x70,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
} as const;

/** mount(2)'s; 0 leaves it as it is. */
export const propagation = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

/** `size` ids from `inside` on are those from `outside` on. */
export interface WireIdMap {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** Capabilities as bits by their number; what the supervisor itself lacks falls away. */
export interface WireCapabilities {
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
}

export interface WireLandlock {
  /** LANDLOCK_ACCESS_FS_*: what is forbidden but for the rules; 0: no Landlock. */
  readonly handled: bigint;
  /** Paths inside the container. */
  readonly rules: readonly { readonly access: bigint; readonly path: string }[];
}

export interface WireProcess {
  readonly flags: number;
  readonly columns: number;
  readonly rows: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  /** The number that `uid` has on the host: it gets the streams. */
  readonly owner: number;
  readonly capabilities: WireCapabilities;
  readonly oomScoreAdj: number;
  readonly rlimits: readonly {
    readonly resource: number;
    readonly soft: bigint;
    readonly hard: bigint;
  }[];
  /** `struct sched_attr`, or empty. */
  readonly scheduler: Uint8Array;
  /** As ioprio_set(2) takes it; 0: unchanged. */
  readonly ioPriority: number;
  /** As personality(2) takes it; 0xffffffff: unchanged. */
  readonly personality: number;
  /** CPU masks as sched_setaffinity(2) takes them, before and after its cgroups are joined; empty: unchanged. */
  readonly firstCpus: Uint8Array;
  readonly lastCpus: Uint8Array;
  /** Profile and label from the program on; empty: none. */
  readonly apparmor: string;
  readonly selinux: string;
  readonly landlock: WireLandlock;
  /** Directories of cgroup v1 hierarchies. */
  readonly cgroups: readonly string[];
  /** Directory of the cgroup v2 hierarchy, or empty. */
  readonly cgroup2: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** `struct sock_filter` after `struct sock_filter`; empty: no filter. Its flags are seccomp(2)'s. */
  readonly seccomp: Uint8Array;
  readonly seccompFlags: number;
  /** As set_mempolicy(2) takes it, the mode with its flags; absent: unchanged. */
  readonly memoryPolicy?: { readonly mode: number; readonly nodes: Uint8Array };
}

export interface WireMount {
  readonly kind: number;
  readonly flags: number;
  /** `mountAttribute`s of the mount itself, and of it with all below. */
  readonly set: number;
  readonly clear: number;
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  readonly propagation: number;
  readonly recursivePropagation: number;
  /** `filesystem`: its type. */
  readonly type: string;
  /** Empty, or the directory that `source` begins in and cannot lead out of. */
  readonly root: string;
  readonly source: string;
  readonly target: string;
  /** `filesystem`, `remount`: `name=value`, or a flag's name. */
  readonly options: readonly string[];
  readonly uidMap: readonly WireIdMap[];
  readonly gidMap: readonly WireIdMap[];
}

export interface WireDevice {
  readonly path: string;
  /** Type and permission bits, as mknod(2) takes them. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  /** Of the host. */
  readonly uid: number;
  readonly gid: number;
}

export interface WireContainer {
  readonly flags: number;
  readonly logPath: string;
  /** The log's size from which on the agent is asked to rotate it, and the one it never exceeds; 0: none. */
  readonly logLargeBytes: number;
  readonly logMostBytes: number;
  readonly oomFile: string;
  /** Made, or with a path joined; those not named are the supervisor's own. The mount namespace is made if it is not joined. */
  readonly namespaces: readonly { readonly type: number; readonly path: string }[];
  /** Of the user namespace. */
  readonly uidMap: readonly WireIdMap[];
  readonly gidMap: readonly WireIdMap[];
  /** Of the time namespace; clocks as clock_gettime(2) numbers them. */
  readonly timeOffsets: readonly {
    readonly clock: number;
    readonly seconds: bigint;
    readonly nanoseconds: number;
  }[];
  /** Set if not empty. */
  readonly hostname: string;
  readonly domainname: string;
  /** Names with slashes, below /proc/sys. */
  readonly sysctls: readonly { readonly name: string; readonly value: string }[];
  /** Of the root's mount; 0: private. */
  readonly rootPropagation: number;
  /** Topmost first. */
  readonly layers: readonly string[];
  /** What is written goes here; empty: into memory, of use where the root is read-only in the end. */
  readonly upper: string;
  readonly work: string;
  /** In order; devices and links come after the first `mountsBeforeDevices` of them. */
  readonly mounts: readonly WireMount[];
  readonly mountsBeforeDevices: number;
  readonly devices: readonly WireDevice[];
  readonly links: readonly { readonly path: string; readonly content: string }[];
  readonly masked: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly process: WireProcess;
}
