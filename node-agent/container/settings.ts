/** What a container or a sandbox may be given beyond what every one has. Everything here has a default. */

import type { WireIdMap } from '#native/protocol.ts';

export interface ResourceLimit {
  /** `RLIMIT_NOFILE` … */
  readonly type: string;
  /** Undefined: without limit. */
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/** A device of the host, and what may be done with it. */
export interface DeviceRequest {
  readonly hostPath: string;
  /** Absolute, inside the container. */
  readonly path: string;
  /** Of `r`, `w`, `m`. */
  readonly permissions: string;
}

/** What a container's programs can still reach; all else is closed to them, root too. */
export interface LandlockRules {
  /** Paths to read and execute below. */
  readonly readOnly: readonly string[];
  readonly readWrite: readonly string[];
}

export interface ContainerSettings {
  /** Default: 022. */
  readonly umask?: number;
  /** Over the default of open files. */
  readonly rlimits?: readonly ResourceLimit[];
  /** The kernel's interfaces in /proc and /sys are neither hidden nor read-only. */
  readonly unmasked?: boolean;
  /** The program is started, and orphans are waited for, by an init of ours. */
  readonly init?: boolean;
  readonly devices?: readonly DeviceRequest[];
  /** The name of a profile that the kernel knows. */
  readonly apparmor?: string;
  /** `user:role:type:level` */
  readonly selinux?: string;
  readonly landlock?: LandlockRules;
}

/** The host's numbers for the numbers of users and groups inside. */
export interface UserNamespace {
  readonly uids: readonly WireIdMap[];
  readonly gids: readonly WireIdMap[];
}

export interface SandboxSettings {
  readonly domainname?: string;
  /** By name, with dots; only those that are the sandbox's own. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Of /dev/shm; default: 64 MiB. */
  readonly shmBytes?: number;
  /** `auto`: 65,536 numbers that no other sandbox of this node has. */
  readonly userNamespace?: 'auto' | UserNamespace;
  /** A network namespace of the sandbox's containers, each its own, where only the loopback is. */
  readonly noNetwork?: boolean;
  /** Host name and domain name are the host's. */
  readonly hostUts?: boolean;
  /** One process namespace for all its containers, whose first process is an init of ours. */
  readonly sharePid?: boolean;
}

/** The host's number of `id` inside. @throws Error for one that is not mapped */
export function hostId(map: readonly WireIdMap[], id: number): number {
  const range = map.find(({ inside, size }) => id >= inside && id < inside + size);
  if (range === undefined) {
    throw new Error(`the id ${id} is not one of its user namespace: it has no number on the host`);
  }
  return range.outside + (id - range.inside);
}
