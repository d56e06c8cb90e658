/**
 * Runs a seccomp program as the kernel does, and checks it as the kernel does before it takes one.
 */

import assert from 'node:assert/strict';
import { numbersOf } from '#node-agent/container/seccomp/architectures.ts';

/** `struct seccomp_data` (linux/seccomp.h) without the instruction pointer. */
export interface Call {
  readonly number: number;
  /** AUDIT_ARCH_*; absent: x86-64. */
  readonly architecture?: number;
  /** Up to six; absent ones are 0. */
  readonly args?: readonly bigint[];
}

export const auditX64 = 0xc000003e;
export const auditX86 = 0x40000003;

interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly value: number;
}

function instructions(program: Uint8Array): Instruction[] {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    whenTrue: view.getUint8(index * 8 + 2),
    whenFalse: view.getUint8(index * 8 + 3),
    value: view.getUint32(index * 8 + 4, true),
  }));
}

const [load, jump, equal, greater, atLeast, anyBit, and, give] = [
  0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06,
];

/** net/core/filter.c, bpf_check_classic, and kernel/seccomp.c, seccomp_check_filter. */
export function checkProgram(program: Uint8Array): void {
  assert.equal(program.length % 8, 0);
  const code = instructions(program);
  assert.ok(code.length > 0 && code.length <= 4096, `${code.length} instructions`);
  assert.equal(code.at(-1)?.code, give, 'the last instruction returns');
  for (const [at, one] of code.entries()) {
    const left = code.length - at - 1;
    if (one.code === load) assert.ok(one.value % 4 === 0 && one.value < 64, `load ${one.value}`);
    else if (one.code === jump) assert.ok(one.value < left, `jump out of the program at ${at}`);
    else if (one.code !== and && one.code !== give) {
      assert.ok([equal, greater, atLeast, anyBit].includes(one.code), `opcode ${one.code}`);
      assert.ok(Math.max(one.whenTrue, one.whenFalse) < left, `jump out of the program at ${at}`);
    }
  }
}

/** The 16 words of the call. */
function words({ number, architecture = auditX64, args = [] }: Call): number[] {
  const halves = Array.from({ length: 6 }, (_, index) => {
    const value = args[index] ?? 0n;
    return [Number(value & 0xffffffffn), Number(value >> 32n)];
  });
  return [number, architecture, 0, 0, ...halves.flat()];
}

function isTrue({ code, value }: Instruction, accumulator: number): boolean {
  if (code === equal) return accumulator === value;
  if (code === greater) return accumulator > value;
  if (code === atLeast) return accumulator >= value;
  return (accumulator & value) !== 0;
}

/** What the program gives, and in how many steps. */
export function run(program: Uint8Array): (call: Call) => { verdict: number; steps: number } {
  const code = instructions(program);
  return (call) => {
    const data = words(call);
    let accumulator = 0;
    for (let at = 0, steps = 1; ; at++, steps++) {
      const one = code[at] as Instruction;
      if (one.code === give) return { verdict: one.value, steps };
      if (one.code === load) accumulator = data[one.value / 4] as number;
      else if (one.code === jump) at += one.value;
      else if (one.code === and) accumulator = (accumulator & one.value) >>> 0;
      else at += isTrue(one, accumulator) ? one.whenTrue : one.whenFalse;
    }
  };
}

/** The verdict of a checked program for a system call of x86-64, by its name. */
export function decider(program: Uint8Array): (name: string, ...args: readonly bigint[]) => number {
  checkProgram(program);
  const simulate = run(program);
  return (name, ...args) => {
    const number = numbersOf('x86_64').get(name);
    if (number === undefined) throw new Error(`no system call ${name}`);
    return simulate({ number, args }).verdict;
  };
}
