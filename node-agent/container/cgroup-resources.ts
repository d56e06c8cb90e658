/** What a container may use, in the words of the OCI runtime-spec (config-linux.md, `linux.resources`). Pure. */

export interface CpuResources {
  /** cgroup v1 `cpu.shares` (2..262144); on v2 it is converted to a weight. */
  readonly shares?: number;
  /** Microseconds of CPU time in a period; negative: no limit. */
  readonly quota?: number;
  /** Microseconds that may be saved up and used at once. */
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** Lists as `0-2,7`. */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1: runs only when nobody else wants the CPU. */
  readonly idle?: number;
}

/** Bytes; -1: no limit. */
export interface MemoryResources {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  /** Ignored: the kernel has no such limit any more. */
  readonly kernel?: number;
  readonly kernelTCP?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  /** Ignored: all kernels do it. */
  readonly useHierarchy?: boolean;
  /** An update below what is used is refused instead of killing. */
  readonly checkBeforeUpdate?: boolean;
}

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

export interface BlockIoResources {
  /** 10..1000 */
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly (DeviceNumber & {
    readonly weight?: number;
    readonly leafWeight?: number;
  })[];
  readonly throttleReadBpsDevice?: readonly (DeviceNumber & { readonly rate: number })[];
  readonly throttleWriteBpsDevice?: readonly (DeviceNumber & { readonly rate: number })[];
  readonly throttleReadIOPSDevice?: readonly (DeviceNumber & { readonly rate: number })[];
  readonly throttleWriteIOPSDevice?: readonly (DeviceNumber & { readonly rate: number })[];
}

export interface DeviceRule {
  readonly allow: boolean;
  /** Absent: `a`, all. */
  readonly type?: 'a' | 'c' | 'b';
  /** Absent or -1: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Of `r`, `w` and `m` (mknod); absent: all. */
  readonly access?: string;
}

/** Limits of a cgroup; what is absent is not limited. */
export interface Resources {
  readonly cpu?: CpuResources;
  readonly memory?: MemoryResources;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIoResources;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<
    Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>
  >;
  /** Applied in order after "nothing is allowed"; the standard devices are allowed in any case. */
  readonly devices?: readonly DeviceRule[];
  /** cgroup v2 file to its content. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** A limit that cannot be: names the field of `linux.resources`, what it is and what it may be. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
  readonly field: string;
  constructor(field: string, why: string) {
    super(`linux.resources.${field}: ${why}`);
    this.field = field;
  }
}

/** With the limit of memory that of memory and swap goes, too, unless it is said: it cannot be the smaller. */
function mergeMemory(present: MemoryResources = {}, change: MemoryResources = {}): MemoryResources {
  const isFree = change.limit === -1 && change.swap === undefined && present.swap !== undefined;
  return { ...present, ...change, ...(isFree ? { swap: -1 } : {}) };
}

/** What stands after an update: fields that `change` has replace, those it has not stay. Lists are replaced whole. */
export function mergeResources(present: Resources, change: Resources): Resources {
  const both = { ...present, ...change };
  return {
    ...both,
    ...(both.cpu === undefined ? {} : { cpu: { ...present.cpu, ...change.cpu } }),
    ...(both.memory === undefined ? {} : { memory: mergeMemory(present.memory, change.memory) }),
    ...(both.blockIO === undefined ? {} : { blockIO: { ...present.blockIO, ...change.blockIO } }),
    ...(both.unified === undefined ? {} : { unified: { ...present.unified, ...change.unified } }),
  };
}
