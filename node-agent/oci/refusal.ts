/** What a supervisor could not do, in the words that podman and Docker look for. Pure. */

import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import type { Failed } from '#native/frames.ts';

/** What to do about it, where the kernel's word leaves that open. */
const advice: Readonly<Record<string, string>> = {
  // With CONFIG_RT_GROUP_SCHED a new cgroup of v1 may use no real time at all.
  'set the scheduler':
    'process.scheduler: a real-time policy needs CAP_SYS_NICE and, where the kernel shares real time out by cgroups (v1), linux.resources.cpu.realtimeRuntime',
  'set the I/O priority': 'process.ioPriority: IOPRIO_CLASS_RT needs CAP_SYS_NICE',
};

/** The same by what was tried, on whatever: the kernel's "invalid argument" says nothing. */
const invalid: Readonly<Record<string, string>> = {
  'open mount source':
    'it is unbindable, or, without root, has other mounts in it, which only rbind can bring',
  set: 'process.user: such an id is not mapped in the user namespace',
};

/** Of /proc and /sys (ENODEV), where a user namespace gets no new ones. */
const hidden = 'none is there, or something lies over all of it, and the kernel gives no new one';
/** Of a kernel parameter (EXDEV), where the only /proc is that of who starts the container. */
const covered = 'something lies over it in the /proc that is here, and the kernel gives no new one';

const isDenied = (errno: number): boolean =>
  errno === constants.errno.EPERM || errno === constants.errno.EACCES;

const ids = ['the user', 'the group', 'supplementary groups'];
const isAbout = (what: string, path: string): boolean =>
  Object.hasOwn(invalid, what) && (what !== 'set' || ids.includes(path));

function hintOf(errno: number, what: string, path: string): string | undefined {
  const tried = `${what} ${path}`;
  if (isDenied(errno) && Object.hasOwn(advice, tried)) return advice[tried];
  if (errno === constants.errno.EINVAL && isAbout(what, path)) return invalid[what];
  if (errno === constants.errno.ENODEV && what.startsWith('show in place')) return hidden;
  return errno === constants.errno.EXDEV && what === 'set sysctl' ? covered : undefined;
}

export function refusalMessage({ errno, exitCode, what, path }: Failed): string {
  const why = errno === 0 ? 'unknown reason' : getSystemErrorMessage(-errno);
  const quoted = JSON.stringify(path);
  if (exitCode === 127) {
    const missing = path.includes('/') ? why : 'executable file not found in $PATH';
    return `exec: ${quoted}: ${missing}`;
  }
  if (exitCode === 126) return `exec: ${quoted}: ${why}`;
  const tried = `${what} ${path}`;
  const hint = hintOf(errno, what, path);
  return `${tried}: ${why}${hint === undefined ? '' : ` (${hint})`}`;
}
