/** What lists of the watch cache look like, and how one of the past is made from the present. */
import type { Entry } from './entry.ts';

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
  /** Put together: the objects' JSON, separated by commas. */
  readonly chunks: readonly Buffer[];
  readonly revision: number;
  readonly count: number;
}

/** `now`, in key order, with what `undo` says put back. */
export function* asOf(
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
