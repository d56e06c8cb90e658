/**
 * What the API server needs of a store. `test/suites/storage.ts` holds the contract; the etcd and the in-memory
 * implementation both pass it.
 *
 * Revisions are positive integers that grow by one with every write of the whole store (etcd's `mod_revision`).
 * Keys are strings under `/registry/`; values are JSON documents without `metadata.resourceVersion`.
 */
import type { Observable } from 'rxjs';

export interface Stored {
  readonly key: string;
  readonly value: Buffer;
  /** The revision of the last write of this key. */
  readonly revision: number;
}

export interface Range {
  readonly items: readonly Stored[];
  /** The store's revision at which the range was read. */
  readonly revision: number;
  /** Whether keys beyond `limit` are left. */
  readonly more: boolean;
}

export interface RangeOptions {
  readonly limit?: number;
  /** Only keys greater than this one. */
  readonly after?: string;
  /** Read at this revision; absent: the newest. Throws `Compacted` if it is gone. */
  readonly revision?: number;
}

/** The write took place, or another write was there first (`current` is what stands, `undefined` for nothing). */
export type WriteResult =
  | { readonly written: true; readonly revision: number }
  | { readonly written: false; readonly current: Stored | undefined };

export type StorageEvent =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Buffer;
      readonly revision: number;
      readonly created: boolean;
    }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number }
  /** Nothing under the prefix was written up to `revision` that has not been told. */
  | { readonly type: 'progress'; readonly revision: number };

export interface PutOptions {
  /** The write takes place only if the key's revision is this; `0`: only if the key does not exist. */
  readonly expectedRevision: number;
  /** The key goes away by itself about this long after the write (Events). */
  readonly ttlSeconds?: number;
}

export interface Storage {
  get(key: string): Promise<Stored | undefined>;
  /** Keys that start with `prefix`, in byte order. */
  range(prefix: string, options?: RangeOptions): Promise<Range>;
  /**
   * One key, one transaction, never retried by itself. If the outcome is unknown (connection lost), the
   * implementation reads the key to find out; if that fails too it throws `Unavailable`.
   */
  put(key: string, value: Buffer, options: PutOptions): Promise<WriteResult>;
  /** Deletes if the key's revision is `expectedRevision`. */
  delete(key: string, expectedRevision: number): Promise<WriteResult>;
  /**
   * All events under `prefix` with a revision >= `fromRevision`, in order, without gaps across reconnects, in
   * batches. Errors with `Compacted` only; lost connections are resumed inside.
   */
  watch(prefix: string, fromRevision: number): Observable<readonly StorageEvent[]>;
  /** Asks for a `progress` event in every watch; it may come late or, from old stores, not at all. */
  requestProgress(): void;
  /** Forgets the history before `revision`. */
  compact(revision: number): Promise<void>;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The asked-for revision is older than what the store keeps. */
export class Compacted extends Error {
  override readonly name = 'Compacted';
  /** The oldest revision still held. */
  readonly compactRevision: number;
  constructor(compactRevision: number) {
    super(`the revision asked for was compacted; the oldest held is ${compactRevision}`);
    this.compactRevision = compactRevision;
  }
}

/** The store did not answer; whether a write took place may be unknown. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** The value is larger than the store takes. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}
