/** What every container has in /dev (config-linux.md, Default Devices). */

/** /dev/ptmx is a link, /dev/console comes with a terminal. */
export const standardDevices = [
  { path: '/dev/null', major: 1, minor: 3 },
  { path: '/dev/zero', major: 1, minor: 5 },
  { path: '/dev/full', major: 1, minor: 7 },
  { path: '/dev/random', major: 1, minor: 8 },
  { path: '/dev/urandom', major: 1, minor: 9 },
  { path: '/dev/tty', major: 5, minor: 0 },
] as const;

export const standardLinks = [
  { path: '/dev/fd', content: '/proc/self/fd' },
  { path: '/dev/stdin', content: '/proc/self/fd/0' },
  { path: '/dev/stdout', content: '/proc/self/fd/1' },
  { path: '/dev/stderr', content: '/proc/self/fd/2' },
  { path: '/dev/ptmx', content: 'pts/ptmx' },
  { path: '/dev/core', content: '/proc/kcore' },
] as const;
