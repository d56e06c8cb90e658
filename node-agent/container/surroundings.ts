/** Gathers what a container's processes are started with. */

import type { Hierarchies } from './cgroups.ts';
import { containerFilter } from './container-filter.ts';
import { hostDevices } from './devices.ts';
import type { ContainerSpec, SandboxSpec } from './runtime.ts';
import { standardDevices } from './standard-mounts.ts';
import type { Surroundings } from './wire-spec.ts';

export const cgroupOf = (sandbox: SandboxSpec, spec: ContainerSpec): string =>
  `${sandbox.cgroupPath}/${spec.cgroupName}`;

/** `directory`: of the container's state. */
export async function surroundingsOf(facts: {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxSpec;
  readonly hierarchies: Hierarchies;
  readonly namespaces: Surroundings['namespaces'];
  readonly directory: string;
  readonly log: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined;
}): Promise<Surroundings> {
  const { spec, sandbox, hierarchies, namespaces } = facts;
  return {
    spec,
    sandbox,
    hierarchies,
    namespaces,
    cgroup: cgroupOf(sandbox, spec),
    seccomp: await containerFilter(facts),
    devices: spec.privileged ? await hostDevices() : standardDevices,
  };
}
