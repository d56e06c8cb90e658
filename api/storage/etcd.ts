/** The store that lasts: etcd 3.4 to 3.6, one key a transaction. */
import { firstValueFrom } from 'rxjs/internal/firstValueFrom';
import type { Observable } from 'rxjs/internal/Observable';
import { timer } from 'rxjs/internal/observable/timer';
import { takeUntil } from 'rxjs/internal/operators/takeUntil';
import { EtcdClient, type EtcdClientOptions } from './etcd-client.ts';
import { isCompacted, isLeaseGone, leavesOutcomeOpen, translate } from './etcd-errors.ts';
import type { KeyValue, TxnWrite } from './etcd-messages.ts';
import { tellsInOrder } from './etcd-progress.ts';
import { type ProgressRequests, watchEtcd } from './etcd-watch.ts';
import { endOfPrefix, startOfRange } from './key-range.ts';
import { SharedLeases } from './shared-leases.ts';
import {
  Compacted,
  type PutOptions,
  type Range,
  type RangeOptions,
  type Storage,
  type StorageEvent,
  type Stored,
  Unavailable,
  type WriteResult,
} from './storage.ts';

export interface EtcdOptions extends EtcdClientOptions {
  /** Put before every key, so that several clusters can share one etcd; none: kube-apiserver's own layout. */
  readonly prefix?: string;
  /** How long to wait for the first answer. */
  readonly startTimeoutMs?: number;
}

const startTimeoutMsDefault = 30_000;
const pingTimeoutMs = 2000;
const firstEventTimeoutMs = 5000;

/** Resolves as soon as an endpoint answers; rejects with `Unavailable` if none does in time. */
export async function connectEtcd(options: EtcdOptions): Promise<Storage> {
  const { prefix = '', startTimeoutMs = startTimeoutMsDefault, ...clientOptions } = options;
  const client = new EtcdClient(clientOptions);
  let version: string;
  try {
    version = (await client.status(startTimeoutMs)).version;
  } catch (error) {
    client.channel.close();
    throw translate(error, `connecting to etcd at ${options.endpoints.join(', ')}`);
  }
  return new EtcdStorage(client, prefix, tellsInOrder(version));
}

class EtcdStorage implements Storage {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #leases: SharedLeases;
  readonly #progressRequests: ProgressRequests = new Set();

  readonly #progressInOrder: boolean;

  constructor(client: EtcdClient, prefix: string, progressInOrder: boolean) {
    this.#client = client;
    this.#prefix = prefix;
    this.#progressInOrder = progressInOrder;
    this.#leases = new SharedLeases((id, ttlSeconds) => client.leaseGrant(id, ttlSeconds));
  }

  async get(key: string): Promise<Stored | undefined> {
    const found = await this.#find(key);
    return found === undefined ? undefined : this.#storedOf(found);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<Range> {
    const { limit, after, revision } = options;
    const what = `reading ${prefix}${revision === undefined ? '' : ` at revision ${revision}`}`;
    try {
      const found = await this.#client.range({
        key: this.#keyOf(startOfRange(prefix, after)),
        end: this.#keyOf(endOfPrefix(prefix)),
        ...(limit === undefined ? {} : { limit }),
        ...(revision === undefined ? {} : { revision }),
      });
      const items = found.kvs.map((kv) => this.#storedOf(kv));
      return { items, revision: found.revision, more: found.more };
    } catch (error) {
      if (revision === undefined || !isCompacted(error)) throw translate(error, what);
      throw await this.#compactedAt(what);
    }
  }

  async put(key: string, value: Buffer, options: PutOptions): Promise<WriteResult> {
    const { expectedRevision, ttlSeconds } = options;
    if (ttlSeconds === undefined) return this.#write(key, expectedRevision, { value, lease: 0 });
    try {
      const lease = await this.#leaseFor(key, ttlSeconds);
      return await this.#write(key, expectedRevision, { value, lease });
    } catch (error) {
      if (!isLeaseGone(error instanceof Error ? error.cause : error)) throw error;
      // Refused, so nothing is written: once more, with a lease that exists.
      this.#leases.forget();
      const lease = await this.#leaseFor(key, ttlSeconds);
      return this.#write(key, expectedRevision, { value, lease });
    }
  }

  delete(key: string, expectedRevision: number): Promise<WriteResult> {
    return this.#write(key, expectedRevision, undefined);
  }

  watch(prefix: string, fromRevision: number): Observable<readonly StorageEvent[]> {
    return this.#watch(this.#keyOf(prefix), this.#keyOf(endOfPrefix(prefix)), fromRevision);
  }

  requestProgress(): void {
    for (const ask of this.#progressRequests) ask();
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.compact(revision);
    } catch (error) {
      const what = `compacting to revision ${revision}`;
      throw isCompacted(error) ? await this.#compactedAt(what) : translate(error, what);
    }
  }

  async ping(): Promise<void> {
    try {
      await this.#client.status(pingTimeoutMs);
    } catch (error) {
      throw translate(error, 'asking etcd for its status');
    }
  }

  async close(): Promise<void> {
    this.#client.channel.close();
  }

  async #write(key: string, expected: number, write: TxnWrite): Promise<WriteResult> {
    const what = `${write === undefined ? 'deleting' : 'writing'} ${key}`;
    try {
      const result = await this.#client.txn(this.#keyOf(key), expected, write);
      if (result.succeeded) return { written: true, revision: result.revision };
      const current = result.found === undefined ? undefined : this.#storedOf(result.found);
      return { written: false, current };
    } catch (error) {
      if (!leavesOutcomeOpen(error)) throw translate(error, what);
      return this.#outcome(key, expected, write, translate(error, what));
    }
  }

  /**
   * The outcome of a write whose answer was lost, told by the history of its key: the first change after the expected
   * revision is either ours or the one that was there before us. Without such a change the write may yet
   * come, so that is `failure`.
   */
  async #outcome(
    key: string,
    expected: number,
    write: TxnWrite,
    failure: Error,
  ): Promise<WriteResult> {
    const found = await this.#find(key);
    const from = expected === 0 ? found?.createRevision : expected + 1;
    if (from === undefined || found?.modRevision === expected) throw failure;
    const first = await this.#firstChange(key, from, failure);
    const ours =
      first.type === 'put' ? write?.value.equals(first.value) === true : write === undefined;
    if (ours) return { written: true, revision: first.revision };
    return { written: false, current: found === undefined ? undefined : this.#storedOf(found) };
  }

  async #firstChange(
    key: string,
    from: number,
    failure: Error,
  ): Promise<Exclude<StorageEvent, { type: 'progress' }>> {
    try {
      const [first] = await this.#firstEvents(key, from);
      if (first !== undefined && first.type !== 'progress') return first;
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
    }
    throw failure;
  }

  #watch(key: Buffer, end: Buffer | undefined, fromRevision: number) {
    const nameOf = (bytes: Buffer) => this.#nameOf(bytes);
    const options = { key, end, fromRevision, nameOf, progressInOrder: this.#progressInOrder };
    return watchEtcd(this.#client, options, this.#progressRequests);
  }

  /** The error that names the oldest revision held, which etcd tells only to watches. */
  async #compactedAt(what: string): Promise<Error> {
    try {
      await this.#firstEvents('compact_rev_key', 1);
    } catch (error) {
      if (error instanceof Compacted) return error;
    }
    return new Unavailable(`${what}: etcd did not say what its oldest revision is`);
  }

  /** What a watch of one key tells first; nothing if that takes too long. Rejects with `Compacted`. */
  #firstEvents(key: string, fromRevision: number): Promise<readonly StorageEvent[]> {
    const events = this.#watch(this.#keyOf(key), undefined, fromRevision);
    return firstValueFrom(events.pipe(takeUntil(timer(firstEventTimeoutMs))), { defaultValue: [] });
  }

  async #find(key: string): Promise<KeyValue | undefined> {
    try {
      return (await this.#client.range({ key: this.#keyOf(key) })).kvs[0];
    } catch (error) {
      throw translate(error, `reading ${key}`);
    }
  }

  async #leaseFor(key: string, ttlSeconds: number): Promise<number> {
    try {
      return await this.#leases.leaseFor(ttlSeconds);
    } catch (error) {
      throw translate(error, `granting the lease of ${key}`);
    }
  }

  #keyOf(name: string): Buffer {
    return Buffer.from(this.#prefix + name);
  }

  #nameOf(key: Buffer): string {
    return key.toString('utf8', this.#prefix.length);
  }

  #storedOf(kv: KeyValue): Stored {
    return { key: this.#nameOf(kv.key), value: kv.value, revision: kv.modRevision };
  }
}
