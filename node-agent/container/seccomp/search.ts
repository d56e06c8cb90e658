/** From a value cut into ranges to a balanced tree that finds the range. Pure. */

import type { Graph, Node } from './graph.ts';

/** From `from` up to the next piece. */
export interface Piece<N extends number | bigint> {
  readonly from: N;
  readonly node: Node;
}

/** Without the borders between equals. */
export function merged<N extends number | bigint>(pieces: readonly Piece<N>[]): Piece<N>[] {
  return pieces.filter(({ node }, index) => node !== pieces[index - 1]?.node);
}

/**
 * The tree over a 32-bit accumulator. `pieces` ascend, the first holds for everything below the
 * second. A single number among equals takes one test, any other border one, too.
 */
export function search(graph: Graph, pieces: readonly Piece<number>[]): Node {
  const [first, second, third] = pieces;
  if (first === undefined) throw new RangeError('a search needs at least one piece');
  if (second === undefined) return first.node;
  const alone = pieces.length === 3 && third?.node === first.node;
  if (alone && third.from === second.from + 1) {
    return graph.test('equal', second.from, { yes: second.node, no: first.node });
  }
  // An odd number on the left: a lone number stays with both of its neighbours.
  const middle = (pieces.length >> 1) | 1;
  const border = pieces[middle] as Piece<number>;
  return graph.test('atLeast', border.from, {
    yes: search(graph, pieces.slice(middle)),
    no: search(graph, pieces.slice(0, middle)),
  });
}

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number(value >> 32n);

/**
 * The pieces that begin with this upper half, the first of them with the piece that reaches into
 * it.
 */
function below(pieces: readonly Piece<bigint>[], half: number): Piece<number>[] {
  const start = pieces.findLast(({ from }) => from <= BigInt(half) << 32n) as Piece<bigint>;
  const inside = pieces.filter(({ from }) => high(from) === half && low(from) !== 0);
  return [
    { from: 0, node: start.node },
    ...inside.map(({ from, node }) => ({ from: low(from), node })),
  ];
}

/**
 * The same for a 64-bit word in memory (little endian, at `offset`): its upper half is searched
 * first. The first piece starts at 0.
 */
export function search64(graph: Graph, offset: number, all: readonly Piece<bigint>[]): Node {
  const pieces = merged(all);
  const halves = new Map<number, Node>();
  for (const { from } of pieces) {
    const half = high(from);
    const inside = below(pieces, half);
    const tree = search(graph, inside);
    halves.set(half, inside.length === 1 ? tree : graph.load(offset, tree));
    const after = pieces.findLast((piece) => high(piece.from) <= half) as Piece<bigint>;
    const next = half + 1;
    if (next <= 0xffff_ffff && !pieces.some((piece) => high(piece.from) === next)) {
      halves.set(next, after.node);
    }
  }
  const upper = [...halves].map(([from, node]) => ({ from, node })).sort((a, b) => a.from - b.from);
  const borders = merged(upper);
  const only = borders.length === 1 ? borders[0] : undefined;
  return only === undefined ? graph.load(offset + 4, search(graph, borders)) : only.node;
}
