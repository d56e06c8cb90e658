/** Capability names to the sets the kernel takes. Pure. */

import type { WireCapabilities } from '#native/protocol.ts';

/** capabilities(7), by number. */
const names = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

/** As the runtime-spec writes them. */
export const capabilityNames: readonly string[] = names.map((name) => `CAP_${name}`);

/** Docker's (moby, oci/caps/defaults.go). */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** Every capability there may ever be: what the node lacks falls away by itself. */
export const allCapabilities: bigint = (1n << 63n) - 1n;

/**
 * A set as the bits of capset(2).
 * @throws TypeError for a name that is none.
 */
export function capabilityBits(wanted: readonly string[]): bigint {
  let bits = 0n;
  for (const name of wanted) {
    const number = (names as readonly string[]).indexOf(name.toUpperCase().replace(/^CAP_/, ''));
    if (number < 0) throw new TypeError(`${name} is not a capability that Linux knows`);
    bits |= 1n << BigInt(number);
  }
  return bits;
}

/**
 * The sets of a process that has these capabilities if it is root, and else only may get them from a program's file.
 * Nothing is inheritable (CVE-2022-29162).
 */
export function capabilitySets(bits: bigint, uid: number): WireCapabilities {
  const held = uid === 0 ? bits : 0n;
  return { bounding: bits, effective: held, permitted: held, inheritable: 0n, ambient: 0n };
}
