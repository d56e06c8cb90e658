/** What a share puts into the table's maps, element by element. */
import { createHash } from 'node:crypto';
import { fillRing, fillSlots } from './pool-slots.ts';
import { poolBits, poolNumberMask, stickySize } from './rules.ts';
import type { Pool, Share } from './service-plan.ts';
import type { SetName } from './set-schema.ts';

/** Elements by set and key. */
export type ShareElements = ReadonlyMap<SetName, ReadonlyMap<string, string>>;

/** A pool with its number and what is in its slots. */
export interface LaidPool extends Pool {
  readonly mark: number;
  readonly slots: readonly string[];
}

/** Gives pools their numbers: made of their names, so that the next agent gives the same. */
export class PoolNumbers {
  readonly #names = new Map<number, string>();

  markOf({ name, kind }: { readonly name: string; readonly kind: keyof typeof poolBits }): number {
    const bits = poolBits[kind];
    let number = createHash('sha256').update(name).digest().readUInt32LE(0) & poolNumberMask;
    for (;;) {
      const mark = (bits | number) >>> 0;
      const owner = this.#names.get(mark);
      if (owner === undefined) this.#names.set(mark, name);
      if (owner === undefined || owner === name) return mark;
      number = (number + 1) & poolNumberMask;
    }
  }

  forget(mark: number): void {
    this.#names.delete(mark);
  }
}

/** The pool with its endpoints in slots, as few as possible other than `before`. */
export function layPool(pool: Pool, mark: number, before: readonly string[]): LaidPool {
  const fill = pool.stickySeconds > 0 ? fillRing : fillSlots;
  return { ...pool, mark, slots: fill(before, pool.endpoints) };
}

/**
 * What a client's endpoint is remembered by: no slot's number, and the same in every life of the agent. Two endpoints with
 * one number would be one to clients that stay, which is no harm.
 */
const idOf = (endpoint: string): number =>
  (createHash('sha256').update(endpoint).digest().readUInt32LE(0) | 0x8000_0000) >>> 0;

/** What the share puts into each set; `guardMark`: the number of its guard, if it has one. */
export function elementsOf(
  share: Share,
  pools: readonly LaidPool[],
  guardMark: number,
): ShareElements {
  const { fronts: guarded = [], sources = [] } = share.guard ?? {};
  const marks = new Map(pools.map(({ name, mark }) => [name, mark]));
  const pointing = (places: ReadonlyMap<string, string>) =>
    new Map([...places].map(([place, pool]) => [place, String(marks.get(pool))]));
  const filled = pools.filter(({ slots }) => slots.length > 0);
  const size = ({ stickySeconds, slots }: LaidPool) =>
    String(stickySeconds > 0 ? stickySize + stickySeconds : slots.length);
  const remembered = filled.filter(({ stickySeconds }) => stickySeconds > 0);
  return new Map<SetName, ReadonlyMap<string, string>>([
    ['fronts', pointing(share.fronts)],
    ['guards', new Map(guarded.map((front) => [front, String(guardMark)]))],
    ['sources', new Map(sources.map((source) => [`${guardMark} ${source}`, '']))],
    ['nodeports', pointing(share.nodePorts)],
    [
      'inner',
      new Map(
        pools.flatMap(({ mark, inner }) =>
          inner === undefined ? [] : [[String(mark), String(marks.get(inner))] as const],
        ),
      ),
    ],
    ['sizes', new Map(filled.map((pool) => [String(pool.mark), size(pool)]))],
    [
      'endpoints',
      new Map([
        ...filled.flatMap(({ mark, slots }) =>
          slots.map((endpoint, slot) => [`${mark} ${slot}`, endpoint] as const),
        ),
        ...remembered.flatMap(({ mark, endpoints }) =>
          endpoints.map((endpoint) => [`${mark} ${idOf(endpoint)}`, endpoint] as const),
        ),
      ]),
    ],
    [
      'ids',
      new Map(
        remembered.flatMap(({ mark, slots }) =>
          slots.map((endpoint, slot) => [`${mark} ${slot}`, String(idOf(endpoint))] as const),
        ),
      ),
    ],
    ['itself', new Map(share.localIps.map((ip) => [`${ip} ${ip}`, '']))],
  ]);
}
