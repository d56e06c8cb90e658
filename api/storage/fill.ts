/** Reading everything under a prefix, as of one revision. */
import { Entry } from './entry.ts';
import { Compacted, type Range, type Storage, type Stored } from './storage.ts';

/** Told of a key whose value cannot be served, and why. */
export type Unreadable = (key: string, error: unknown) => void;

export interface Contents {
  /** In key order. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly revision: number;
}

/** Small enough that a page of large objects stays in the tens of megabytes, large enough not to count trips. */
const pageSize = 500;

/**
 * All entries under `prefix` at one revision, read in pages. If that revision is compacted meanwhile, it starts
 * anew. Rejects as `Storage.range` does.
 */
export async function fill(
  storage: Storage,
  prefix: string,
  onUnreadable?: Unreadable,
): Promise<Contents> {
  for (;;) {
    try {
      return await readPages(storage, prefix, onUnreadable);
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
    }
  }
}

async function readPages(
  storage: Storage,
  prefix: string,
  onUnreadable: Unreadable | undefined,
): Promise<Contents> {
  const entries = new Map<string, Entry>();
  let page: Range = await storage.range(prefix, { limit: pageSize });
  const { revision } = page;
  for (;;) {
    for (const item of page.items) {
      const entry = readEntry(item, onUnreadable);
      if (entry !== undefined) entries.set(entry.key, entry);
    }
    const after = page.items.at(-1)?.key;
    if (!page.more || after === undefined) return { entries, revision };
    page = await storage.range(prefix, { limit: pageSize, after, revision });
  }
}

/** The entry of a stored value; `undefined`, and `onUnreadable` is told, if it is not the JSON of an object. */
export function readEntry(stored: Stored, onUnreadable?: Unreadable): Entry | undefined {
  try {
    return Entry.from(stored);
  } catch (error) {
    onUnreadable?.(stored.key, error);
    return undefined;
  }
}
