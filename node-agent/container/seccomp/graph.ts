/**
 * A filter as a graph of decisions. Equal parts exist once, so that what several architectures and
 * system calls have in common becomes one piece of code. Pure.
 */

import type { Verdict } from './actions.ts';

/**
 * `equal`, `atLeast`: the accumulator against `value`; `anyBit`: whether they have a bit in common.
 */
export type Test = 'equal' | 'atLeast' | 'anyBit';

/** A node's `id` is greater than those of the nodes it leads to. */
export type Node =
  | { readonly type: 'verdict'; readonly id: number; readonly value: Verdict }
  /** Puts a 32-bit word of `struct seccomp_data` into the accumulator. */
  | { readonly type: 'load'; readonly id: number; readonly offset: number; readonly next: Node }
  | { readonly type: 'mask'; readonly id: number; readonly value: number; readonly next: Node }
  | {
      readonly type: 'test';
      readonly id: number;
      readonly test: Test;
      readonly value: number;
      readonly yes: Node;
      readonly no: Node;
    };

type Numbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** Makes nodes; nodes of one graph are equal only if they are the same. */
export class Graph {
  readonly #nodes = new Map<string, Node>();

  #intern(key: string, node: Numbered<Node>): Node {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const made = { ...node, id: this.#nodes.size } as Node;
    this.#nodes.set(key, made);
    return made;
  }

  verdict(value: Verdict): Node {
    return this.#intern(`v${value}`, { type: 'verdict', value });
  }

  load(offset: number, next: Node): Node {
    return this.#intern(`l${offset} ${next.id}`, { type: 'load', offset, next });
  }

  mask(value: number, next: Node): Node {
    return this.#intern(`m${value} ${next.id}`, { type: 'mask', value, next });
  }

  test(test: Test, value: number, branches: { readonly yes: Node; readonly no: Node }): Node {
    const { yes, no } = branches;
    if (yes === no) return yes;
    return this.#intern(`${test}${value} ${yes.id} ${no.id}`, {
      type: 'test',
      test,
      value,
      yes,
      no,
    });
  }
}
