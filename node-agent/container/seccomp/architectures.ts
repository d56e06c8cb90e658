/** The ways into an x86-64 kernel and how each numbers the system calls. Pure. */

import { x32, x86, x86_64 } from './numbers.ts';
import type { Condition } from './profile.ts';

/** An application binary interface; `x32` shares its audit architecture with `x86_64`. */
export type Abi = 'x86_64' | 'x86' | 'x32';

/** linux/audit.h */
export const auditArchitecture = { x86_64: 0xc000003e, x86: 0x40000003 } as const;

/** asm/unistd.h, __X32_SYSCALL_BIT */
export const x32Bit = 0x40000000;

/**
 * The architectures of the OCI runtime-spec. Those of other machines are known so that a profile
 * written for several machines is understood; their calls cannot come.
 */
export const architectures: Readonly<Record<string, Abi | undefined>> = {
  SCMP_ARCH_NATIVE: 'x86_64',
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'x86',
  SCMP_ARCH_X32: 'x32',
  ...Object.fromEntries(
    `ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X
    PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB`
      .split(/\s+/)
      .map((name) => [`SCMP_ARCH_${name}`, undefined]),
  ),
};

function parse(table: string, bit: number): Map<string, number> {
  const numbers = new Map<string, number>();
  let last = -1;
  for (const entry of table.trim().split(/\s+/)) {
    const [name = '', number] = entry.split('=');
    last = number === undefined ? last + 1 : Number(number);
    numbers.set(name, last + bit);
  }
  return numbers;
}

const tables: Readonly<Record<Abi, string>> = { x86_64, x86, x32 };

const parsed = new Map<Abi, ReadonlyMap<string, number>>();

/** Name to number, as seccomp sees it (x32: with its bit). Parsed when first asked for. */
export function numbersOf(abi: Abi): ReadonlyMap<string, number> {
  const known = parsed.get(abi);
  if (known !== undefined) return known;
  const numbers = parse(tables[abi], abi === 'x32' ? x32Bit : 0);
  parsed.set(abi, numbers);
  return numbers;
}

/**
 * A call that 32-bit programs can make through another one, whose first argument says which is
 * meant.
 */
export interface Multiplexed {
  readonly multiplexer: 'socketcall' | 'ipc';
  readonly condition: Condition;
}

const numbered = (text: string): [string, number][] => {
  return [...parse(text, 0)];
};

/** linux/net.h, SYS_* */
const socketCalls = new Map(
  numbered(`socket=1 bind connect listen accept getsockname getpeername socketpair send recv sendto
    recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`),
);
/** linux/ipc.h */
const ipcCalls = new Map(
  numbered(`semop=1 semget semctl semtimedop msgsnd=11 msgrcv msgget msgctl shmat=21 shmdt shmget
    shmctl`),
);

/** How an x86 program can make the call without its own number. */
export function multiplexed(name: string): Multiplexed | undefined {
  const socketCall = socketCalls.get(name);
  if (socketCall !== undefined) {
    const value = BigInt(socketCall);
    return {
      multiplexer: 'socketcall',
      condition: { index: 0, op: 'SCMP_CMP_EQ', value, valueTwo: 0n },
    };
  }
  const ipcCall = ipcCalls.get(name);
  if (ipcCall === undefined) return;
  // The upper half of ipc's first argument is a version (ipc/syscall.c).
  return {
    multiplexer: 'ipc',
    condition: {
      index: 0,
      op: 'SCMP_CMP_MASKED_EQ',
      value: 0xffffn,
      valueTwo: BigInt(ipcCall),
    },
  };
}

/** Whether the name is a system call's in any of the three. */
export const isKnown = (name: string): boolean =>
  numbersOf('x86_64').has(name) ||
  numbersOf('x86').has(name) ||
  numbersOf('x32').has(name) ||
  multiplexed(name) !== undefined;
