/**
 * From a profile to a BPF program: the architecture is looked at first, then the number in a
 * balanced tree, arguments only where the number's rules ask for them. Pure.
 */

import {
  compareStrictness,
  isErrno,
  killProcess,
  notImplemented,
  type Verdict,
} from './actions.ts';
import {
  type Abi,
  auditArchitecture,
  isKnown,
  multiplexed,
  numbersOf,
  x32Bit,
} from './architectures.ts';
import { assemble } from './assemble.ts';
import { decide } from './conditions.ts';
import { Graph, type Node } from './graph.ts';
import type { Profile, Rule } from './profile.ts';
import { merged, type Piece, search } from './search.ts';

export interface Compiled {
  /** `struct sock_filter`, one after the other. */
  readonly program: Buffer;
  /** Names that are no system call here: passed over, as runc does. */
  readonly unknown: readonly string[];
}

/** linux/seccomp.h: struct seccomp_data */
const offset = { number: 0, architecture: 4 };

/** What the kernel gives for a call that a tracer has cancelled. */
const noCall = 0xffff_ffff;

/** @throws ProgramTooLarge */
export function compile(profile: Profile): Compiled {
  const graph = new Graph();
  const kill = graph.verdict(killProcess);
  const x86 = profile.abis.includes('x86') ? tree(graph, abiPieces(graph, profile, 'x86')) : kill;
  const start = graph.test('equal', auditArchitecture.x86_64, {
    yes: tree(graph, widePieces(graph, profile)),
    no: graph.test('equal', auditArchitecture.x86, { yes: x86, no: kill }),
  });
  const names = new Set(profile.rules.flatMap((rule) => rule.names));
  return {
    program: assemble(graph.load(offset.architecture, start)),
    unknown: [...names].filter((name) => !isKnown(name)),
  };
}

const tree = (graph: Graph, pieces: readonly Piece<number>[]): Node =>
  graph.load(offset.number, search(graph, merged(pieces)));

/** Numbers of both kinds of 64-bit programs, which differ by a bit. */
function widePieces(graph: Graph, profile: Profile): Piece<number>[] {
  const native = abiPieces(graph, profile, 'x86_64');
  const x32 = profile.abis.includes('x32')
    ? abiPieces(graph, profile, 'x32')
    : [{ from: x32Bit, node: graph.verdict(killProcess) }];
  return [...native, ...x32, { from: noCall, node: (native.at(-1) as Piece<number>).node }];
}

/** The numbers of one interface, from its first to its last. */
function abiPieces(graph: Graph, profile: Profile, abi: Abi): Piece<number>[] {
  const { rules, greatest } = rulesByNumber(profile, abi);
  const fallback = graph.verdict(profile.verdict);
  const pieces: Piece<number>[] = [{ from: abi === 'x32' ? x32Bit : 0, node: fallback }];
  for (const number of [...rules.keys()].sort((a, b) => a - b)) {
    if (pieces.at(-1)?.from === number) pieces.pop();
    pieces.push({ from: number, node: decide(graph, rules.get(number) ?? [], fallback) });
    pieces.push({ from: number + 1, node: fallback });
  }
  if (greatest === undefined) return pieces;
  const beyond = graph.verdict(beyondVerdict(profile.verdict));
  return [...pieces.filter(({ from }) => from <= greatest), { from: greatest + 1, node: beyond }];
}

/**
 * A call younger than all that the profile names is answered as by a kernel that does not have it:
 * programs then take the older way, where a plain refusal would make them fail. As runc does.
 */
const beyondVerdict = (fallback: Verdict): Verdict =>
  isErrno(fallback) ? notImplemented : fallback;

interface NumberedRules {
  readonly rules: ReadonlyMap<number, readonly Rule[]>;
  /** The greatest number that has a name in the profile. */
  readonly greatest: number | undefined;
}

function rulesByNumber(profile: Profile, abi: Abi): NumberedRules {
  const numbers = numbersOf(abi);
  const rules = new Map<number, Rule[]>();
  let greatest: number | undefined;
  for (const rule of profile.rules) {
    // A call that has no number of its own here is known by the one it is made through.
    for (const name of rule.names) {
      const number = numbers.get(name) ?? numbers.get(multiplexed(name)?.multiplexer ?? name);
      if (number !== undefined) greatest = Math.max(greatest ?? number, number);
    }
    for (const [name, one] of expanded(profile, rule, abi)) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      greatest = Math.max(greatest ?? number, number);
      if (one.verdict === profile.verdict) continue;
      const list = rules.get(number);
      if (list === undefined) rules.set(number, [one]);
      else list.push(one);
    }
  }
  return { rules, greatest };
}

/** The rule for each call it names, and for the other ways to that call. */
function expanded(profile: Profile, rule: Rule, abi: Abi): [string, Rule][] {
  return rule.names.flatMap((name): [string, Rule][] => {
    const other = abi === 'x86' ? multiplexed(name) : undefined;
    if (other === undefined) return [[name, rule]];
    // The call's own arguments are behind a pointer there: what refuses some refuses all, what
    // allows some, none.
    const loosens = compareStrictness(rule.verdict, profile.verdict) > 0;
    if (rule.conditions.length > 0 && loosens) return [[name, rule]];
    return [
      [name, rule],
      [other.multiplexer, { ...rule, conditions: [other.condition] }],
    ];
  });
}
