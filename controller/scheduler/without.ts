/** What would be taken if some pods of one node were not there. */
import type { Pod } from '#api/resources/types.ts';
import { type Amounts, requestsOf } from './resources.ts';
import { type Placed, portsClash, type UsageView } from './usage.ts';

export class Without implements UsageView {
  readonly #base: UsageView;
  readonly #node: string;
  readonly #gone: Set<Pod>;

  constructor(base: UsageView, node: string, gone: Iterable<Pod>) {
    this.#base = base;
    this.#node = node;
    this.#gone = new Set(gone);
  }

  keep(pod: Pod): void {
    this.#gone.delete(pod);
  }

  remove(pod: Pod): void {
    this.#gone.add(pod);
  }

  of(node: string): Amounts {
    const amounts = this.#base.of(node);
    if (node !== this.#node) return amounts;
    const left = new Map(amounts);
    for (const pod of this.#gone) {
      for (const [name, amount] of requestsOf(pod)) left.set(name, (left.get(name) ?? 0) - amount);
    }
    return left;
  }

  portsTaken(node: string, ports: readonly string[]): boolean {
    if (node !== this.#node) return this.#base.portsTaken(node, ports);
    return this.podsOn(node).some((held) =>
      ports.some((port) => held.ports.some((other) => portsClash(port, other))),
    );
  }

  podsOn(node: string): Placed[] {
    return this.#left(this.#base.podsOn(node));
  }

  all(): Placed[] {
    return this.#left(this.#base.all());
  }

  /** Only nodes that can take a pod are scored: what it would be like without others is of no interest. */
  siblings(controller: string): ReadonlyMap<string, number> {
    return this.#base.siblings(controller);
  }

  get averse(): Placed[] {
    return this.#left(this.#base.averse);
  }

  get choosy(): Placed[] {
    return this.#left(this.#base.choosy);
  }

  #left(placed: Iterable<Placed>): Placed[] {
    return [...placed].filter(({ pod }) => !this.#gone.has(pod));
  }
}
