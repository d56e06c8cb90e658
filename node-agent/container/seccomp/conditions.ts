/** From the rules of one system call to decisions on its arguments. Pure. */

import { compareStrictness, type Verdict } from './actions.ts';
import type { Graph, Node } from './graph.ts';
import type { Condition, Rule } from './profile.ts';
import { type Piece, search64 } from './search.ts';

/** linux/seccomp.h: `args` of struct seccomp_data. */
const argumentOffset = (index: number): number => 16 + 8 * index;

const largest = 2n ** 64n - 1n;

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** The values that meet the condition, or undefined for MASKED_EQ, which has too many ranges. */
function intervals({ op, value }: Condition): Interval[] | undefined {
  const under = { first: 0n, last: value - 1n };
  const over = { first: value + 1n, last: largest };
  const all: Record<Condition['op'], Interval[] | undefined> = {
    SCMP_CMP_EQ: [{ first: value, last: value }],
    SCMP_CMP_NE: [under, over],
    SCMP_CMP_LT: [under],
    SCMP_CMP_LE: [{ first: 0n, last: value }],
    SCMP_CMP_GE: [{ first: value, last: largest }],
    SCMP_CMP_GT: [over],
    SCMP_CMP_MASKED_EQ: undefined,
  };
  return all[op]?.filter(({ first, last }) => first <= last);
}

// Math.max and Math.min take no bigint.
const greater = (a: bigint, b: bigint): bigint => [a, b][Number(a < b)] as bigint;
const lesser = (a: bigint, b: bigint): bigint => [a, b][Number(a > b)] as bigint;

function intersection(some: readonly Interval[], others: readonly Interval[]): Interval[] {
  const pairs = some.flatMap((a) => others.map((b) => [a, b] as const));
  return pairs
    .map(([a, b]) => ({
      first: greater(a.first, b.first),
      last: lesser(a.last, b.last),
    }))
    .filter(({ first, last }) => first <= last);
}

interface Wanted {
  readonly index: number;
  readonly intervals: readonly Interval[];
}

/** What a rule wants that asks for one argument only and without masks. */
function wantedOf(conditions: readonly Condition[]): Wanted | undefined {
  const index = conditions[0]?.index;
  if (index === undefined || conditions.some((condition) => condition.index !== index)) return;
  let met: Interval[] = [{ first: 0n, last: largest }];
  for (const condition of conditions) {
    const some = intervals(condition);
    if (some === undefined) return;
    met = intersection(met, some);
  }
  return { index, intervals: met };
}

interface Branches {
  readonly yes: Node;
  readonly no: Node;
}

/** Whether the argument is in one of the intervals. */
function inIntervals(
  graph: Graph,
  index: number,
  wanted: readonly Interval[],
  { yes, no }: Branches,
): Node {
  const sorted = [...wanted].sort((a, b) => (a.first < b.first ? -1 : 1));
  const pieces: Piece<bigint>[] = [{ from: 0n, node: no }];
  let end = 0n;
  for (const { first, last } of sorted) {
    if (last < end) continue;
    const from = greater(first, end);
    if (pieces.at(-1)?.from === from) pieces.pop();
    pieces.push({ from, node: yes });
    end = last + 1n;
    if (end <= largest) pieces.push({ from: end, node: no });
  }
  return search64(graph, argumentOffset(index), pieces);
}

/** One 32-bit half: `(half & mask) == datum`. */
function maskedHalf(
  graph: Graph,
  offset: number,
  { mask, datum }: { readonly mask: number; readonly datum: number },
  { yes, no }: Branches,
): Node {
  if (mask === 0) return yes;
  if (datum === 0) return graph.load(offset, graph.test('anyBit', mask, { yes: no, no: yes }));
  const test = graph.test('equal', datum, { yes, no });
  return graph.load(offset, mask === 0xffff_ffff ? test : graph.mask(mask, test));
}

function masked(graph: Graph, condition: Condition, { yes, no }: Branches): Node {
  const offset = argumentOffset(condition.index);
  const mask = condition.value;
  const datum = condition.valueTwo & mask;
  const half = (shift: bigint) => ({
    mask: Number((mask >> shift) & 0xffff_ffffn),
    datum: Number((datum >> shift) & 0xffff_ffffn),
  });
  const lower = maskedHalf(graph, offset, half(0n), { yes, no });
  return maskedHalf(graph, offset + 4, half(32n), { yes: lower, no });
}

function check(graph: Graph, condition: Condition, branches: Branches): Node {
  const wanted = intervals(condition);
  return wanted === undefined
    ? masked(graph, condition, branches)
    : inIntervals(graph, condition.index, wanted, branches);
}

/** Rules of one verdict; `intervals` holds those that ask for one argument only, by argument. */
interface Group {
  readonly verdict: Verdict;
  readonly intervals: Map<number, Interval[]>;
  readonly others: Rule[];
}

/** Strictest first; of two errors the one that stands first in the profile. */
function grouped(rules: readonly Rule[]): Group[] {
  const groups = new Map<Verdict, Group>();
  for (const rule of rules) {
    const { verdict, conditions } = rule;
    const group: Group = groups.get(verdict) ?? { verdict, intervals: new Map(), others: [] };
    groups.set(verdict, group);
    const wanted = wantedOf(conditions);
    if (wanted === undefined) group.others.push(rule);
    else {
      const known = group.intervals.get(wanted.index) ?? [];
      group.intervals.set(wanted.index, known);
      known.push(...wanted.intervals);
    }
  }
  return [...groups.values()].sort((a, b) => compareStrictness(a.verdict, b.verdict));
}

/** The decision that a system call's rules make; `fallback` is for what none of them matches. */
export function decide(graph: Graph, rules: readonly Rule[], fallback: Node): Node {
  return grouped(rules).reduceRight((below: Node, group: Group) => {
    const yes = graph.verdict(group.verdict);
    const afterRules = group.others.reduceRight(
      (no, { conditions }) =>
        conditions.reduceRight((met, condition) => check(graph, condition, { yes: met, no }), yes),
      below,
    );
    return [...group.intervals].reduce(
      (no, [index, wanted]) => inIntervals(graph, index, wanted, { yes, no }),
      afterRules,
    );
  }, fallback);
}
