/**
 * From a graph of decisions to classic BPF. Pure.
 *
 *     struct sock_filter { u16 code; u8 jt, jf; u32 k; }
 *
 * (linux/filter.h); jumps count from the next instruction.
 */

import type { Node, Test } from './graph.ts';

/** linux/bpf_common.h */
const opcode = { load: 0x20, and: 0x54, jump: 0x05, give: 0x06 };
const testOpcode: Readonly<Record<Test, number>> = { equal: 0x15, atLeast: 0x35, anyBit: 0x45 };

/** linux/bpf_common.h, BPF_MAXINSNS */
const largestProgram = 4096;
const largestJump = 255;

/** More than the kernel takes. */
export class ProgramTooLarge extends Error {
  override readonly name = 'ProgramTooLarge';
  constructor(instructions: number) {
    super(
      `the seccomp filter has ${instructions} instructions, the kernel takes ${largestProgram}: ` +
        'name fewer system calls with arguments',
    );
  }
}

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

/** Jumps lead forward only, so the program is laid out from its end. */
class Layout {
  /** The last instruction first. */
  readonly code: Instruction[] = [];
  readonly #places = new Map<Node, number>();

  /** How far a jump from the instruction that is laid next leads. */
  #distance(node: Node): number {
    return this.code.length - (this.#places.get(node) as number) - 1;
  }

  #push(node: Node, instruction: Instruction): void {
    this.#places.set(node, this.code.length);
    this.code.push(instruction);
  }

  /** Makes a placed node reachable from near by. */
  #bring(node: Node): void {
    const isVerdict = node.type === 'verdict';
    this.#push(
      node,
      isVerdict ? [opcode.give, 0, 0, node.value] : [opcode.jump, 0, 0, this.#distance(node)],
    );
  }

  #test({ test, value, yes, no }: Extract<Node, { type: 'test' }>): Instruction {
    // Room for one more instruction, should the other one have to be brought.
    if (this.#distance(no) >= largestJump) this.#bring(no);
    if (this.#distance(yes) > largestJump) this.#bring(yes);
    return [testOpcode[test], this.#distance(yes), this.#distance(no), value];
  }

  #instruction(node: Node): Instruction {
    if (node.type === 'verdict') return [opcode.give, 0, 0, node.value];
    if (node.type === 'test') return this.#test(node);
    if (this.#distance(node.next) !== 0) this.#bring(node.next);
    if (node.type === 'load') return [opcode.load, 0, 0, node.offset];
    return [opcode.and, 0, 0, node.value];
  }

  /** After all that the node leads to. */
  place(node: Node): void {
    this.#push(node, this.#instruction(node));
  }
}

/** What the start leads to, each node after those it leads to: a graph numbers them so. */
function reachable(start: Node): Node[] {
  const found = new Set<Node>([start]);
  for (const node of found) {
    if (node.type === 'test') found.add(node.yes).add(node.no);
    else if (node.type !== 'verdict') found.add(node.next);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** Instructions as `PR_SET_SECCOMP` takes them. @throws ProgramTooLarge */
export function assemble(start: Node): Buffer {
  const layout = new Layout();
  for (const node of reachable(start)) layout.place(node);
  const program = layout.code.reverse();
  if (program.length > largestProgram) throw new ProgramTooLarge(program.length);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes[index * 8 + 2] = whenTrue;
    bytes[index * 8 + 3] = whenFalse;
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}
