/** Docker's default capabilities, with `add` and `drop` laid over them. Pure. */

/** moby, oci/caps/defaults.go. */
const standard = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
] as const;

/** capabilities(7), the rest of the 41 that Linux 5.9 and later know. */
const others = [
  'DAC_READ_SEARCH',
  'LINUX_IMMUTABLE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'LEASE',
  'AUDIT_CONTROL',
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

const bare = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');

/**
 * The names (`CAP_CHOWN`) a container keeps; undefined when the document changes nothing, which is the runtime's
 * default. `drop` counts before `add`, so that `drop: [ALL], add: [KILL]` leaves one.
 */
export function containerCapabilities(
  wanted: { readonly add?: readonly string[]; readonly drop?: readonly string[] } | undefined,
): string[] | undefined {
  const add = (wanted?.add ?? []).map(bare);
  const drop = (wanted?.drop ?? []).map(bare);
  if (add.length === 0 && drop.length === 0) return undefined;
  const kept = new Set<string>(standard);
  if (add.includes('ALL')) for (const name of others) kept.add(name);
  if (drop.includes('ALL')) kept.clear();
  for (const name of drop) kept.delete(name);
  for (const name of add) if (name !== 'ALL') kept.add(name);
  return [...kept].map((name) => `CAP_${name}`).sort();
}
