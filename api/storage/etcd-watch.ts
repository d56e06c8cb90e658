/**
 * One etcd watch as an Observable, resumed after lost connections at the last *delivered* revision + 1. (The revision in
 * a response's header is the store's newest, not the watch's: resuming there loses events during catch-up.)
 */
import { Observable } from 'rxjs/internal/Observable';
import type { Subscriber } from 'rxjs/internal/Subscriber';
import type { EtcdClient } from './etcd-client.ts';
import {
  decodeWatch,
  encodeWatchCreate,
  encodeWatchProgress,
  methods,
  type WatchEvent,
  type WatchResponse,
} from './etcd-messages.ts';
import { ProgressQuestion } from './etcd-progress.ts';
import type { GrpcStream } from './grpc.ts';
import { Compacted, type StorageEvent } from './storage.ts';

export interface EtcdWatchOptions {
  readonly key: Buffer;
  /** Exclusive; absent: the one key. */
  readonly end: Buffer | undefined;
  readonly fromRevision: number;
  readonly nameOf: (key: Buffer) => string;
  /** Whether this etcd says how far it is only when the events up to there are sent. */
  readonly progressInOrder: boolean;
}

/** Asks every open watch for its progress. */
export type ProgressRequests = Set<() => void>;

const reopenPauseMs = 50;

/** Errors with `Compacted` only. */
export function watchEtcd(
  client: EtcdClient,
  options: EtcdWatchOptions,
  progressRequests: ProgressRequests,
): Observable<readonly StorageEvent[]> {
  return new Observable((subscriber) => {
    const watch = new Watch(client, options, subscriber);
    const ask = () => watch.requestProgress();
    progressRequests.add(ask);
    watch.open();
    return () => {
      progressRequests.delete(ask);
      watch.close();
    };
  });
}

class Watch {
  readonly #client: EtcdClient;
  readonly #options: EtcdWatchOptions;
  readonly #subscriber: Subscriber<readonly StorageEvent[]>;
  readonly #closing = new AbortController();
  #stream: GrpcStream | undefined;
  /** The first revision that has not been delivered. */
  #next: number;
  /** The fragments so far of an answer that is not complete. */
  #fragments: WatchEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #progress: ProgressQuestion;

  constructor(
    client: EtcdClient,
    options: EtcdWatchOptions,
    subscriber: Subscriber<readonly StorageEvent[]>,
  ) {
    this.#client = client;
    this.#options = options;
    this.#subscriber = subscriber;
    this.#next = options.fromRevision;
    const ask = () => this.#stream?.write(encodeWatchProgress());
    this.#progress = new ProgressQuestion(options.progressInOrder, ask);
  }

  open(): void {
    this.#openStream().catch(() => this.#reopen());
  }

  close(): void {
    this.#closing.abort();
    this.#progress.forget();
    clearTimeout(this.#timer);
    this.#stream?.cancel();
  }

  requestProgress(): void {
    // Without a stream there is nobody to answer: who waits asks again.
    if (this.#stream !== undefined) this.#progress.ask();
  }

  async #openStream(): Promise<void> {
    this.#fragments = [];
    const { signal } = this.#closing;
    const handlers = {
      onMessage: (message: Buffer) => this.#receive(decodeWatch(message)),
      onEnd: () => this.#reopen(),
    };
    const stream = await this.#client.channel.stream(methods.watch, handlers, signal);
    if (signal.aborted) return stream.cancel();
    this.#stream = stream;
    const { key, end } = this.#options;
    stream.write(encodeWatchCreate(key, end, this.#next));
  }

  #reopen(): void {
    this.#stream?.cancel();
    this.#stream = undefined;
    this.#progress.forget();
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), reopenPauseMs);
  }

  #receive(response: WatchResponse): void {
    if (response.compactRevision > 0) {
      this.close();
      this.#subscriber.error(new Compacted(response.compactRevision));
    } else if (response.canceled) {
      this.#reopen();
    } else if (response.events.length > 0) {
      this.#progress.forget();
      this.#fragments.push(...response.events);
      if (!response.fragment) this.#deliver();
    } else if (!response.created && !response.fragment) {
      this.#tellProgress(response.revision);
    }
  }

  #deliver(): void {
    // What came twice (old etcd versions repeat events of a watch that catches up) is told once.
    const events = this.#fragments
      .filter((event) => event.kv.modRevision >= this.#next)
      .map((event) => this.#eventOf(event));
    this.#fragments = [];
    const last = events.at(-1);
    if (last === undefined) return;
    this.#next = last.revision + 1;
    this.#subscriber.next(events);
  }

  /** Progress does not move `#next`: a watch is resumed behind what it has delivered, whatever etcd says. */
  #tellProgress(told: number): void {
    const revision = this.#progress.answered(told);
    if (revision !== undefined && revision >= this.#next)
      this.#subscriber.next([{ type: 'progress', revision }]);
  }

  #eventOf({ deleted, kv }: WatchEvent): StorageEvent {
    const key = this.#options.nameOf(kv.key);
    const revision = kv.modRevision;
    if (deleted) return { type: 'delete', key, revision };
    const created = kv.createRevision === kv.modRevision;
    return { type: 'put', key, value: kv.value, revision, created };
  }
}
