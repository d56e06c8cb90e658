/** Assembles the BPF program that decides over devices in a v2 cgroup (BPF_PROG_TYPE_CGROUP_DEVICE). Pure. */

import type { DeviceException, DevicePolicy } from './cgroup-devices.ts';

/** linux/bpf.h: `struct bpf_insn` is u8 code, u4 destination, u4 source, s16 offset, s32 immediate. */
const code = {
  loadWord: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  copy: 0xbc, // BPF_ALU | BPF_MOV | BPF_X
  set: 0xb7, // BPF_ALU64 | BPF_MOV | BPF_K
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  shiftRight: 0x74, // BPF_ALU | BPF_RSH | BPF_K
  jumpUnless: 0x55, // BPF_JMP | BPF_JNE | BPF_K
  jumpIf: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  exit: 0x95,
} as const;

/** `struct bpf_cgroup_dev_ctx`: u32 access << 16 | type, u32 major, u32 minor. */
const context = { access: 0, major: 4, minor: 8 } as const;
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const typeNumbers = { b: 1, c: 2 } as const;

/** The registers that what is asked for is kept in; 1 is the context, 0 the answer, 6 for between. */
const register = {
  answer: 0,
  context: 1,
  type: 2,
  access: 3,
  major: 4,
  minor: 5,
  scratch: 6,
} as const;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

const bitsOf = (access: ReadonlySet<string>): number =>
  [...access].reduce((bits, letter) => bits | (accessBits[letter] ?? 0), 0);

const load = (to: number, offset: number): Instruction => ({
  code: code.loadWord,
  to,
  from: register.context,
  offset,
});

const answer = (allowed: boolean): readonly Instruction[] => [
  { code: code.set, to: register.answer, value: allowed ? 1 : 0 },
  { code: code.exit },
];

/** Jumps to the next exception (`offset` is filled in when the length is known) unless this one is meant. */
function exceptionCode(one: DeviceException, allowsAll: boolean): Instruction[] {
  const tests: Instruction[] = [
    { code: code.jumpUnless, to: register.type, value: typeNumbers[one.type] },
  ];
  if (one.major >= 0) tests.push({ code: code.jumpUnless, to: register.major, value: one.major });
  if (one.minor >= 0) tests.push({ code: code.jumpUnless, to: register.minor, value: one.minor });
  const bits = bitsOf(one.access);
  tests.push({ code: code.copy, to: register.scratch, from: register.access });
  // Allowed is what asks for nothing else; denied is what asks for any of it.
  const [mask, jump] = allowsAll ? [bits, code.jumpIf] : [~bits & 7, code.jumpUnless];
  tests.push({ code: code.and, to: register.scratch, value: mask });
  tests.push({ code: jump, to: register.scratch, value: 0 });
  const all = [...tests, ...answer(!allowsAll)];
  const jumps: readonly number[] = [code.jumpUnless, code.jumpIf];
  return all.map((instruction, at) =>
    jumps.includes(instruction.code)
      ? { ...instruction, offset: all.length - at - 1 }
      : instruction,
  );
}

/** The program, as the kernel takes it. */
export function deviceProgram({ allowsAll, exceptions }: DevicePolicy): Buffer {
  const program: readonly Instruction[] = [
    load(register.type, context.access),
    { code: code.and, to: register.type, value: 0xffff },
    load(register.access, context.access),
    { code: code.shiftRight, to: register.access, value: 16 },
    load(register.major, context.major),
    load(register.minor, context.minor),
    ...exceptions.flatMap((one) => exceptionCode(one, allowsAll)),
    ...answer(allowsAll),
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [
    index,
    { code: operation, to = 0, from = 0, offset = 0, value = 0 },
  ] of program.entries()) {
    bytes.writeUInt8(operation, index * 8);
    bytes.writeUInt8((from << 4) | to, index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(value | 0, index * 8 + 4);
  }
  return bytes;
}
