/**
 * The shares of all Services and pods together, and the table's elements that follow from them. An element that two shares
 * claim (two owners of one node port) belongs to the one that came first, and to the other when that one goes.
 */
import type { ElementTable } from './element-table.ts';
import type { EndedFlows } from './flows.ts';
import {
  elementsOf,
  type LaidPool,
  layPool,
  PoolNumbers,
  type ShareElements,
} from './pool-layouts.ts';
import { stickySize } from './rules.ts';
import type { Pool, Share } from './service-plan.ts';
import type { SetName } from './set-schema.ts';

interface Held {
  readonly share: Share;
  readonly pools: readonly LaidPool[];
  readonly guardMark: number;
  readonly elements: ShareElements;
}

/** Elements that several own: they say the same, whoever of them stays. */
const shared: ReadonlySet<SetName> = new Set(['itself']);

const isSticky = (pool: Pool | undefined): boolean => (pool?.stickySeconds ?? 0) > 0;

export class Shares {
  readonly #table: ElementTable;
  readonly #numbers = new PoolNumbers();
  readonly #held = new Map<string, Held>();
  /** `set key` → owners, the first the one that counts. */
  readonly #owners = new Map<string, string[]>();

  constructor(table: ElementTable) {
    this.#table = table;
  }

  owners(): Iterable<string> {
    return this.#held.keys();
  }

  /** Takes the place of what the owner had; resolves with the flows that lead to what is not there any more. */
  put(owner: string, share: Share): EndedFlows[] {
    const before = this.#held.get(owner);
    const pools = share.pools.map((pool) => this.#lay(pool, before));
    const guardMark = this.#guardMark(share, before);
    const next = { share, pools, guardMark, elements: elementsOf(share, pools, guardMark) };
    const empty = share.pools.length === 0;
    if (empty) this.#held.delete(owner);
    else this.#held.set(owner, next);
    this.#replace(owner, before?.elements ?? new Map(), next.elements);
    return this.#endedFlows(before, next);
  }

  /** The number of the share's guard; 0: it has none. */
  #guardMark({ guard }: Share, before: Held | undefined): number {
    const held = before?.guardMark ?? 0;
    if (guard === undefined) {
      if (held !== 0) this.#numbers.forget(held);
      return 0;
    }
    return held === 0 ? this.#numbers.markOf({ name: guard.name, kind: 'guard' }) : held;
  }

  #lay(pool: Pool, before: Held | undefined): LaidPool {
    const known = before?.pools.find(({ name }) => name === pool.name);
    const mark = known?.mark ?? this.#numbers.markOf(pool);
    const usable = isSticky(known) === isSticky(pool) ? known?.slots : undefined;
    return layPool(pool, mark, usable ?? this.#slotsInKernel(mark, isSticky(pool)));
  }

  /** What an earlier life of the agent left there. */
  #slotsInKernel(mark: number, sticky: boolean): string[] {
    const size = this.#table.present('sizes', String(mark));
    if (size === undefined || Number(size) >= stickySize !== sticky) return [];
    const slots: string[] = [];
    for (;;) {
      const endpoint = this.#table.present('endpoints', `${mark} ${slots.length}`);
      if (endpoint === undefined) return slots;
      slots.push(endpoint);
    }
  }

  #replace(owner: string, before: ShareElements, after: ShareElements): void {
    for (const [set, elements] of before)
      for (const key of elements.keys())
        if (after.get(set)?.has(key) !== true) this.#release(owner, set, key);
    for (const [set, elements] of after)
      for (const [key, value] of elements) this.#claim(owner, set, { key, value });
  }

  #claim(owner: string, set: SetName, { key, value }: { key: string; value: string }): void {
    const name = `${set} ${key}`;
    const owners = this.#owners.get(name);
    if (owners === undefined) this.#owners.set(name, [owner]);
    else if (!owners.includes(owner)) owners.push(owner);
    if (owners !== undefined && owners[0] !== owner && !shared.has(set)) return;
    if (this.#table.wanted(set, key) !== value) this.#table.put(set, key, value);
  }

  #release(owner: string, set: SetName, key: string): void {
    const name = `${set} ${key}`;
    const rest = (this.#owners.get(name) ?? []).filter((other) => other !== owner);
    const [heir] = rest;
    if (heir === undefined) {
      this.#owners.delete(name);
      this.#table.remove(set, key);
      return;
    }
    this.#owners.set(name, rest);
    const value = this.#held.get(heir)?.elements.get(set)?.get(key);
    if (value !== undefined) this.#table.put(set, key, value);
  }

  #endedFlows(before: Held | undefined, next: Held): EndedFlows[] {
    const after = new Map(next.pools.map((pool) => [pool.mark, pool]));
    const ended: EndedFlows[] = [];
    for (const { mark, protocol } of before?.pools ?? []) {
      if (after.has(mark)) continue;
      this.#numbers.forget(mark);
      if (protocol === 'udp') ended.push({ mark, endpoints: new Set() });
    }
    for (const { mark, protocol, endpoints } of next.pools)
      if (protocol === 'udp' && this.#losesEndpoints(mark, endpoints))
        ended.push({ mark, endpoints: new Set(endpoints) });
    return ended;
  }

  /** Compared with what the kernel has now, which may be an earlier life's. */
  #losesEndpoints(mark: number, endpoints: readonly string[]): boolean {
    const now = new Set(endpoints);
    for (let slot = 0; ; slot++) {
      const endpoint = this.#table.present('endpoints', `${mark} ${slot}`);
      if (endpoint === undefined) return false;
      if (!now.has(endpoint)) return true;
    }
  }
}
