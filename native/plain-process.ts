/** What the processes of a container have in common unless somebody asks for more. */

import type { WireProcess } from './protocol.ts';

/** A process that changes nothing it need not. */
export const plainProcess: Omit<WireProcess, 'args' | 'env'> = {
  flags: 0,
  columns: 0,
  rows: 0,
  uid: 0,
  gid: 0,
  groups: [],
  umask: 0o022,
  owner: 0,
  capabilities: { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n },
  oomScoreAdj: 0,
  rlimits: [],
  scheduler: new Uint8Array(0),
  ioPriority: 0,
  personality: 0xffffffff,
  firstCpus: new Uint8Array(0),
  lastCpus: new Uint8Array(0),
  apparmor: '',
  selinux: '',
  landlock: { handled: 0n, rules: [] },
  cgroups: [],
  cgroup2: '',
  cwd: '/',
  seccomp: new Uint8Array(0),
  seccompFlags: 0,
};
