/**
 * The typed face of the addon: thin wrappers of system calls, each throwing `NativeError`. No policy here.
 */

/** A failed system call: what was called, on what, and why. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  /** The errno as a positive number. */
  readonly errno: number;
  /** `ENOENT` … */
  readonly code: string;
  readonly syscall: string;
  readonly path: string;

  constructor(
    message: string,
    facts: { errno: number; code: string; syscall: string; path: string },
  ) {
    super(message);
    this.errno = facts.errno;
    this.code = facts.code;
    this.syscall = facts.syscall;
    this.path = facts.path;
  }
}
