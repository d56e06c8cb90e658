/** Profiles and calls by chance, the same for the same seed. */

import { allow, verdict } from '#node-agent/container/seccomp/actions.ts';
import { numbersOf } from '#node-agent/container/seccomp/architectures.ts';
import {
  type Condition,
  operators,
  type Profile,
  type Rule,
} from '#node-agent/container/seccomp/profile.ts';
import { auditX86 } from './simulator.ts';

/** mulberry32. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to `below`, without it. */
  whole(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.whole(items.length)] as T;
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.whole(most + 1) }, make);
  }
}

/** Every number that has a name, its neighbours, and the borders of the ranges. */
export const allNumbers = {
  x86_64: [...numbersOf('x86_64').keys()],
  values(architecture: number): number[] {
    const tables =
      architecture === auditX86 ? [numbersOf('x86')] : [numbersOf('x86_64'), numbersOf('x32')];
    const named = tables.flatMap((table) => [...table.values()]);
    const borders = [0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
    return [...new Set([...named, ...named.map((number) => number + 1), ...borders])];
  },
};

const names = [
  ...new Set([...numbersOf('x86_64').keys(), ...numbersOf('x86').keys(), 'accept', 'nonsense']),
];

const values = [
  0n,
  1n,
  2n,
  3n,
  40n,
  0x7e020000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0xffffffff_00000000n,
  0xffffffff_ffffffffn,
];

const verdicts = [
  allow,
  allow,
  verdict('SCMP_ACT_ERRNO'),
  verdict('SCMP_ACT_ERRNO', 38),
  verdict('SCMP_ACT_ERRNO', 13),
  verdict('SCMP_ACT_KILL_PROCESS'),
  verdict('SCMP_ACT_KILL_THREAD'),
  verdict('SCMP_ACT_TRAP'),
  verdict('SCMP_ACT_TRACE', 7),
  verdict('SCMP_ACT_LOG'),
];

const condition = (random: Random): Condition => ({
  index: random.whole(3),
  op: random.pick(operators),
  value: random.pick(values),
  valueTwo: random.pick(values),
});

function rule(random: Random, few: readonly string[]): Rule {
  return {
    names: [random.pick(few), ...random.some(random.pick([2, 60]), () => random.pick(names))],
    verdict: random.pick(verdicts),
    conditions: random.some(random.pick([0, 1, 3]), () => condition(random)),
  };
}

export function randomProfile(random: Random): Profile {
  const few = [random.pick(names), random.pick(names), 'socket', 'shmat'];
  return {
    verdict: random.pick(verdicts),
    abis: random.pick([
      ['x86_64'],
      ['x86_64', 'x86'],
      ['x86_64', 'x32'],
      ['x86_64', 'x86', 'x32'],
    ] as const),
    rules: random.some(12, () => rule(random, few)),
  };
}

/** Arguments that some rule of the profile asks for, or nearly. */
export function interestingArguments(random: Random, { rules }: Profile): bigint[][] {
  const asked = rules.flatMap(({ conditions }) => conditions.map(({ value }) => value));
  const near = [...values, ...asked.flatMap((value) => [value, value + 1n, value - 1n])];
  const one = () => BigInt.asUintN(64, random.pick(near));
  return [[], [one(), one(), one()], [one(), one(), one()]];
}
