/**
 * Entries in key order, in blocks of up to 64. Each block keeps the concatenation of its objects' JSON, made when a
 * list is first served from it and dropped by the next write into it: listing 10,000 objects hands over 160 buffers.
 * What a list compresses of it is kept as long.
 */
import assert from 'node:assert/strict';
import type { Entry } from './entry.ts';
import { lowerBound } from './lower-bound.ts';
import { ListPart } from './packed.ts';

const blockSizeMax = 64;
const blockSizeMin = 16;
const comma = 0x2c;

interface Block {
  readonly entries: Entry[];
  /** The entries' bodies, each followed by a comma; the entries' own bytes are parts of it. */
  joined: ListPart | undefined;
}

interface Position {
  readonly block: number;
  readonly index: number;
}

export class BlockList {
  #blocks: Block[] = [];

  /** Adds the entry, or puts it in the place of the one with the same key. */
  put(entry: Entry): void {
    const { block: at, index } = this.#position(entry.key);
    const block = this.#blocks[at];
    if (block?.entries[index]?.key === entry.key) {
      block.entries[index]?.detach();
      block.entries[index] = entry;
      block.joined = undefined;
    } else {
      this.#insert(at, index, entry);
    }
  }

  /** Takes the entry with this key out, if there is one. */
  remove(key: string): void {
    const { block: at, index } = this.#position(key);
    const block = this.#blocks[at];
    if (block?.entries[index]?.key !== key) return;
    block.entries[index]?.detach();
    block.entries.splice(index, 1);
    block.joined = undefined;
    if (block.entries.length < blockSizeMin) this.#merge(at);
  }

  /** The number of entries with `from` <= key < `to`. */
  count(from: string, to: string): number {
    let count = 0;
    for (const { start, end } of this.#spans(from, to)) count += end - start;
    return count;
  }

  /** The key of the `nth` (from 1) entry with `from` <= key < `to`, if there are so many. */
  keyAt(from: string, to: string, nth: number): string | undefined {
    let before = 0;
    for (const { block, start, end } of this.#spans(from, to)) {
      if (before + end - start >= nth) return block.entries[start + nth - before - 1]?.key;
      before += end - start;
    }
    return undefined;
  }

  /** The entries with `from` <= key < `to`, in order; not to be mixed with writes. */
  *entries(from: string, to: string): Generator<Entry, void, undefined> {
    for (const { block, start, end } of this.#spans(from, to)) {
      yield* block.entries.slice(start, end);
    }
  }

  /** The same at once. */
  slice(from: string, to: string): Entry[] {
    if (from >= to) return [];
    const first = this.#position(from);
    const stop = this.#position(to);
    const start = this.#blocks[first.block];
    if (start === undefined) return [];
    if (first.block === stop.block) return start.entries.slice(first.index, stop.index);
    const found = start.entries.slice(first.index);
    for (let at = first.block + 1; at < stop.block; at++) {
      for (const entry of this.#blocks[at]?.entries ?? []) found.push(entry);
    }
    const end = this.#blocks[stop.block]?.entries ?? [];
    for (let at = 0; at < stop.index; at++) found.push(end[at] as Entry);
    return found;
  }

  /** The bodies of the entries with `from` <= key < `to`, in few parts. */
  joined(from: string, to: string): ListPart[] {
    const parts: ListPart[] = [];
    for (const { block, start, end } of this.#spans(from, to)) {
      parts.push(joinedPart(block, start, end));
    }
    return parts;
  }

  *#spans(
    from: string,
    to: string,
  ): Generator<{ block: Block; start: number; end: number }, void, undefined> {
    const first = this.#position(from);
    const stop = this.#position(to);
    for (let at = first.block; at <= stop.block; at++) {
      const block = this.#blocks[at];
      if (block === undefined) return;
      const start = at === first.block ? first.index : 0;
      const end = at === stop.block ? stop.index : block.entries.length;
      if (start < end) yield { block, start, end };
    }
  }

  /** The place of the first entry whose key is not less than `key`; behind the last block's end if there is none. */
  #position(key: string): Position {
    const block = lowerBound(this.#blocks, (each) => (each.entries.at(-1)?.key ?? '') >= key);
    const entries = this.#blocks[block]?.entries ?? [];
    return { block, index: lowerBound(entries, (each) => each.key >= key) };
  }

  #insert(at: number, index: number, entry: Entry): void {
    const last = this.#blocks.at(-1);
    if (at === this.#blocks.length) {
      // Behind all others: fill the last block, so that a first fill in key order makes full blocks.
      if (last === undefined || last.entries.length >= blockSizeMax) {
        this.#blocks.push({ entries: [entry], joined: undefined });
      } else {
        last.entries.push(entry);
        last.joined = undefined;
      }
      return;
    }
    const block = this.#blocks[at];
    if (block === undefined) return;
    block.entries.splice(index, 0, entry);
    block.joined = undefined;
    if (block.entries.length > blockSizeMax) {
      const upper = block.entries.splice(blockSizeMax / 2);
      this.#blocks.splice(at + 1, 0, { entries: upper, joined: undefined });
    }
  }

  #merge(at: number): void {
    const block = this.#blocks[at];
    const next = this.#blocks[at + 1];
    if (block?.entries.length === 0) {
      this.#blocks.splice(at, 1);
    } else if (block !== undefined && next !== undefined && next.entries.length <= blockSizeMin) {
      block.entries.push(...next.entries);
      this.#blocks.splice(at + 1, 1);
    }
  }
}

function joinedPart(block: Block, start: number, end: number): ListPart {
  block.joined ??= new ListPart(join(block.entries));
  if (start === 0 && end === block.entries.length) return block.joined;
  const { bytes } = block.joined;
  const first = block.entries[start]?.body();
  const last = block.entries[end - 1]?.body();
  assert(first !== undefined && last !== undefined, 'a span of a block is within it');
  const offset = first.byteOffset - bytes.byteOffset;
  return new ListPart(bytes.subarray(offset, last.byteOffset - bytes.byteOffset + last.length + 1));
}

function join(entries: readonly Entry[]): Buffer {
  const size = entries.reduce((sum, entry) => sum + entry.size + 1, 0);
  const whole = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const entry of entries) {
    const end = offset + entry.body().copy(whole, offset);
    entry.moveTo(whole, offset);
    whole[end] = comma;
    offset = end + 1;
  }
  return whole;
}
