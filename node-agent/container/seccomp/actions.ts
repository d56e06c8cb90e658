/** What a filter answers: OCI's names for it and the kernel's numbers. Pure. */

/** OCI runtime-spec, config-linux.md, Seccomp; values of linux/seccomp.h. */
const bases = {
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const;

export type Action = keyof typeof bases;

/** For messages and for decoding. */
export const actionNames = Object.keys(bases) as Action[];

/** A number as a filter returns it: 16 bits of action, 16 bits of data. */
export type Verdict = number;

const eperm = 1;
const enosys = 38;

/** linux/err.h, MAX_ERRNO: a larger one would come back as an address. */
export const largestErrno = 4095;

/** `errnoRet` counts for ERRNO (default: EPERM) and, as the tracer's message, for TRACE. */
export function verdict(action: Action, errnoRet: number = eperm): Verdict {
  const takesData = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return (bases[action] | (takesData ? errnoRet : 0)) >>> 0;
}

export const allow: Verdict = verdict('SCMP_ACT_ALLOW');
export const killProcess: Verdict = verdict('SCMP_ACT_KILL_PROCESS');
export const notImplemented: Verdict = verdict('SCMP_ACT_ERRNO', enosys);

const actionOf = (value: Verdict): number => value & 0xffff0000;

export const isErrno = (value: Verdict): boolean => actionOf(value) === bases.SCMP_ACT_ERRNO;

/**
 * Negative if `a` is the stricter one, by the kernel's own order of filters' answers
 * (seccomp_run_filters).
 */
export const compareStrictness = (a: Verdict, b: Verdict): number => actionOf(a) - actionOf(b);
