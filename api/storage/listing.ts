/** What lists of the watch cache look like, and how one of the past is made from the present. */
import type { BlockList } from './block-list.ts';
import type { Entry } from './entry.ts';
import type { History } from './history.ts';
import { endOfPrefix, startOfRange } from './key-range.ts';
import type { ListPart } from './packed.ts';

export interface ListOptions {
  /** Only keys greater than this one. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

export interface Listed {
  /** In key order. */
  readonly entries: readonly Entry[];
  /** The revision at which this was so. */
  readonly revision: number;
  /** Whether entries are left behind the limit, and how many. */
  readonly more: boolean;
  readonly remaining: number;
}

export interface ListedBody {
  /** The objects' JSON, in order. */
  readonly parts: readonly ListPart[];
  readonly revision: number;
  readonly count: number;
}

/** One of several pages, or all in one. */
export interface Page {
  readonly parts: readonly ListPart[];
  /** The key of the last entry, if there is more behind it. */
  readonly lastKey: string | undefined;
  /** How many are behind the last one. */
  readonly remaining: number;
}

/** What a watch cache holds. */
export interface Held {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly blocks: BlockList;
  readonly history: History;
}

/** The entries under `prefix` as they were at `revision`. Throws `Compacted` as `History`. */
export function listed(
  { entries: now, blocks, history }: Held,
  prefix: string,
  revision: number,
  { after, limit }: ListOptions,
): Listed {
  const from = startOfRange(prefix, after);
  const to = endOfPrefix(prefix);
  const undo = history.undo(revision, from, to);
  // What most lists ask for; admission asks so for each pod that is made.
  if (undo.size === 0 && limit === undefined) {
    return { entries: blocks.slice(from, to), revision, more: false, remaining: 0 };
  }
  const entries: Entry[] = [];
  for (const entry of asOf(blocks.entries(from, to), undo)) {
    if (entries.length === limit) break;
    entries.push(entry);
  }
  const total = blocks.count(from, to) + difference(now, undo);
  const remaining = total - entries.length;
  return { entries, revision, more: remaining > 0, remaining };
}

/** The same as cached buffers; `undefined` if something has changed since, or without a limit. */
export function page(
  { blocks, history }: Held,
  prefix: string,
  revision: number,
  { after, limit }: ListOptions,
): Page | undefined {
  const from = startOfRange(prefix, after);
  const to = endOfPrefix(prefix);
  if (limit === undefined || history.undo(revision, from, to).size > 0) return undefined;
  const remaining = blocks.count(from, to) - limit;
  const lastKey = remaining > 0 ? blocks.keyAt(from, to, limit) : undefined;
  if (lastKey === undefined) {
    return { parts: blocks.joined(from, to), lastKey: undefined, remaining: 0 };
  }
  return { parts: blocks.joined(from, `${lastKey}\0`), lastKey, remaining };
}

/** How many more entries there are once `undo` is put back. */
function difference(
  now: ReadonlyMap<string, Entry>,
  undo: ReadonlyMap<string, Entry | undefined>,
): number {
  let difference = 0;
  for (const [key, then] of undo) difference += Number(then !== undefined) - Number(now.has(key));
  return difference;
}

/** `now`, in key order, with what `undo` says put back. */
function* asOf(
  now: Iterable<Entry>,
  undo: ReadonlyMap<string, Entry | undefined>,
): Generator<Entry, void, undefined> {
  if (undo.size === 0) return yield* now;
  const back = [...undo.values()].filter((entry) => entry !== undefined);
  back.sort((a, b) => (a.key < b.key ? -1 : 1));
  let next = 0;
  for (const entry of now) {
    for (let then = back[next]; then !== undefined && then.key <= entry.key; then = back[next]) {
      yield then;
      next++;
    }
    if (!undo.has(entry.key)) yield entry;
  }
  yield* back.slice(next);
}
