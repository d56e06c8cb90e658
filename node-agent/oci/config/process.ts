/** `process` of config.json (runtime-spec, config.md), also as `exec --process` brings it. */

import * as t from 'io-ts';
import {
  AbsolutePath,
  Environment,
  flag,
  Id,
  list,
  nullable,
  oneOf,
  Text,
  U16,
  U64,
  whole,
} from './codecs.ts';

/** getrlimit(2), by number. */
export const rlimitNames = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
] as const;

/** sched(7), by number; 4 is none. */
export const schedulers = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;
export const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;
/** ioprio_set(2), by number. */
export const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;

const keys = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];

const Capabilities = t.partial({
  bounding: list(Text),
  effective: list(Text),
  inheritable: list(Text),
  permitted: list(Text),
  ambient: list(Text),
});

const User = t.intersection([
  t.partial({ uid: Id, gid: Id }),
  t.partial({
    umask: nullable(whole(0, 0o777, 'a umask')),
    additionalGids: list(Id),
    username: nullable(Text),
  }),
]);

const Scheduler = t.intersection([
  t.type({ policy: oneOf(...keys(schedulers)) }),
  t.partial({
    nice: whole(-20, 19),
    priority: whole(0, 99),
    flags: list(oneOf(...keys(schedulerFlags))),
    runtime: U64,
    deadline: U64,
    period: U64,
  }),
]);

export const Process = t.intersection([
  t.type({ cwd: AbsolutePath }),
  t.partial({
    terminal: flag,
    consoleSize: nullable(t.type({ height: U16, width: U16 })),
    user: nullable(User),
    args: list(Text),
    env: list(Environment),
    capabilities: nullable(Capabilities),
    rlimits: list(t.type({ type: oneOf(...rlimitNames), soft: U64, hard: U64 })),
    noNewPrivileges: flag,
    apparmorProfile: nullable(Text),
    oomScoreAdj: nullable(whole(-1000, 1000)),
    selinuxLabel: nullable(Text),
    scheduler: nullable(Scheduler),
    ioPriority: nullable(
      t.type({ class: oneOf(...keys(ioClasses)), priority: whole(0, 7, 'a priority') }),
    ),
    execCPUAffinity: nullable(t.partial({ initial: Text, final: Text })),
    commandLine: nullable(t.string),
  }),
]);
export interface Process extends t.TypeOf<typeof Process> {}
