/**
 * The default seccomp profile as a BPF program: what Docker's default profile refuses to a container without further
 * capabilities is refused here, by name. Pure.
 *
 * A list of what is refused, not of what is allowed: a system call that a later kernel adds is allowed until it is named.
 */

import { capabilityBits } from './capabilities.ts';

/** Linux arch/x86/entry/syscalls/syscall_64.tbl, for what is refused; by the capability that gives it back. */
const refused: readonly (readonly [
  capability: string | undefined,
  calls: Readonly<Record<string, number>>,
])[] = [
  [
    undefined,
    {
      uselib: 134,
      sysfs: 139,
      _sysctl: 156,
      create_module: 174,
      get_kernel_syms: 177,
      query_module: 178,
      nfsservctl: 180,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      ustat: 136,
      kexec_load: 246,
      kexec_file_load: 320,
      swapon: 167,
      swapoff: 168,
      userfaultfd: 323,
      io_uring_setup: 425,
      io_uring_enter: 426,
      io_uring_register: 427,
    },
  ],
  [
    'CAP_SYS_ADMIN',
    {
      pivot_root: 155,
      mount: 165,
      umount2: 166,
      quotactl: 179,
      lookup_dcookie: 212,
      unshare: 272,
      fanotify_init: 300,
      setns: 308,
      open_tree: 428,
      move_mount: 429,
      fsopen: 430,
      fsconfig: 431,
      fsmount: 432,
      fspick: 433,
      mount_setattr: 442,
      quotactl_fd: 443,
      statmount: 457,
      listmount: 458,
    },
  ],
  ['CAP_SYS_BOOT', { reboot: 169 }],
  ['CAP_SYS_MODULE', { init_module: 175, delete_module: 176, finit_module: 313 }],
  ['CAP_SYS_PACCT', { acct: 163 }],
  ['CAP_SYS_PTRACE', { kcmp: 312 }],
  ['CAP_SYS_RAWIO', { iopl: 172, ioperm: 173 }],
  ['CAP_SYS_TIME', { settimeofday: 164, clock_settime: 227, clock_adjtime: 305 }],
  ['CAP_SYS_TTY_CONFIG', { vhangup: 153 }],
  ['CAP_SYS_NICE', { mbind: 237, set_mempolicy: 238, get_mempolicy: 239, move_pages: 279 }],
  ['CAP_SYSLOG', { syslog: 103 }],
  ['CAP_DAC_READ_SEARCH', { open_by_handle_at: 304 }],
  ['CAP_BPF', { bpf: 321 }],
  ['CAP_PERFMON', { perf_event_open: 298 }],
];

const clone = 56;
const clone3 = 435;
/** Every CLONE_NEW* flag (linux/sched.h); clone3's are behind a pointer, where no filter sees them. */
const namespaceFlags = 0x7e020000;

const eperm = 1;
const enosys = 38;

/** linux/filter.h, linux/seccomp.h, linux/audit.h */
const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const jumpIfAnyBit = 0x45;
const give = 0x06;
const allow = 0x7fff0000;
const errno = (value: number): number => 0x00050000 | value;
const archX64 = 0xc000003e;
const x32Bit = 0x40000000;
const offset = { number: 0, arch: 4, firstArgument: 16 };

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

const refuse = (number: number, reason: number): Instruction[] => [
  [jumpIfEqual, 0, 1, number],
  [give, 0, 0, errno(reason)],
];

function programFor(capabilities: bigint): Instruction[] {
  const has = (name: string) => (capabilities & capabilityBits([name])) !== 0n;
  const numbers = refused
    .filter(([capability]) => capability === undefined || !has(capability))
    .flatMap(([, calls]) => Object.values(calls));
  const namespaces: Instruction[] = has('CAP_SYS_ADMIN')
    ? []
    : [
        ...refuse(clone3, enosys),
        [jumpIfEqual, 0, 3, clone],
        [load, 0, 0, offset.firstArgument],
        [jumpIfAnyBit, 0, 1, namespaceFlags],
        [give, 0, 0, errno(eperm)],
      ];
  return [
    [load, 0, 0, offset.arch],
    [jumpIfEqual, 1, 0, archX64],
    // The 32-bit ways into the kernel have numbers of their own, and none are listed here.
    [give, 0, 0, errno(enosys)],
    [load, 0, 0, offset.number],
    [jumpIfAtLeast, 0, 1, x32Bit],
    [give, 0, 0, errno(enosys)],
    ...numbers.flatMap((number) => refuse(number, eperm)),
    ...namespaces,
    [give, 0, 0, allow],
  ];
}

function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes[index * 8 + 2] = whenTrue;
    bytes[index * 8 + 3] = whenFalse;
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}

const made = new Map<bigint, Uint8Array>();

/**
 * The program for a process with these capabilities; the same set gives the same program. Empty on machines other
 * than x86-64, whose numbers are not listed.
 */
export function defaultFilter(capabilities: bigint, arch: string = process.arch): Uint8Array {
  if (arch !== 'x64') return new Uint8Array(0);
  const known = made.get(capabilities);
  if (known !== undefined) return known;
  const program = assemble(programFor(capabilities));
  made.set(capabilities, program);
  return program;
}
