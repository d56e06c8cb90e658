/** All that decides what a supervisor is told of one container. */

import type { Hierarchies } from './cgroups.ts';
import type { ContainerDevices } from './devices.ts';
import type { Joined } from './joined.ts';
import type { ContainerSpec, SandboxSpec } from './runtime.ts';
import type { UserNamespace } from './settings.ts';

export interface Surroundings {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxSpec;
  /** Paths of the sandbox's own namespaces and shared memory; `pid` only if it is shared. */
  readonly namespaces: {
    readonly ipc: string;
    readonly uts: string;
    readonly shm: string;
    readonly pid: string;
  };
  /** Namespaces of other containers that it has instead, while it starts. */
  readonly joined?: Joined;
  /** The container's cgroup. */
  readonly cgroup: string;
  readonly hierarchies: Hierarchies;
  /** The seccomp program of all its processes; empty: none. */
  readonly seccomp: Uint8Array;
  readonly devices: ContainerDevices;
}

/** The sandbox's, once it was made. */
export function userNamespaceOf({ userNamespace }: SandboxSpec): UserNamespace | undefined {
  if (userNamespace === 'auto') throw new Error('the sandbox has no numbers for its users yet');
  return userNamespace;
}
