/** On what a rule of a profile in Docker's form may depend. Pure. */

import { capabilityBits } from '../capabilities.ts';
import type { Syscall } from './document.ts';

export interface Circumstances {
  /** The capabilities the container's processes can have, as bits. */
  readonly capabilities: bigint;
  /** `uname -r`: `6.1.0-21-amd64`. */
  readonly kernel: string;
}

type Demands = NonNullable<Syscall['includes']>;

/** Go's name for x86-64; the other ways into its kernel do not count (moby, profiles/seccomp). */
const machine = 'amd64';

/** A name that is none is one that nobody has. */
function has({ capabilities }: Circumstances, name: string): boolean {
  try {
    return (capabilities & capabilityBits([name])) !== 0n;
  } catch {
    return false;
  }
}

const versionOf = (text: string): number => {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) * 1000 + Number(minor);
};

/** Of kernels' versions, by their first two numbers. */
export const isAtLeast = (kernel: string, wanted: string): boolean =>
  versionOf(kernel) >= versionOf(wanted);

function isIncluded({ caps, arches, minKernel }: Demands, facts: Circumstances): boolean {
  const machines = arches ?? [];
  return (
    (caps ?? []).every((name) => has(facts, name)) &&
    (machines.length === 0 || machines.includes(machine)) &&
    (!minKernel || isAtLeast(facts.kernel, minKernel))
  );
}

function isExcluded({ caps, arches, minKernel }: Demands, facts: Circumstances): boolean {
  return (
    (caps ?? []).some((name) => has(facts, name)) ||
    (arches ?? []).includes(machine) ||
    (!!minKernel && isAtLeast(facts.kernel, minKernel))
  );
}

/** Whether the rule applies here. */
export const isMeant = ({ includes, excludes }: Syscall, circumstances: Circumstances): boolean =>
  isIncluded(includes ?? {}, circumstances) && !isExcluded(excludes ?? {}, circumstances);
