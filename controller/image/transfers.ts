/** Pulls, loads and pushes under way on nodes: begun by a reconcile, which does not wait for them. In memory only. */
import { type Backoff, backoffMs } from '#controller/runtime/backoff.ts';
import type { Clock } from '#controller/runtime/clock.ts';
import type { TransferOptions } from './node-images.ts';

/** As kubelet's pulls: 10 s, doubled, at most 300 s. */
const again: Backoff = { firstMs: 10_000, maxMs: 300_000, factor: 2, jitter: 0.1 };
/** Progress is told no more often than this. */
const TELL_MS = 1000;

export interface TransferView {
  readonly isRunning: boolean;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Of the last try. */
  readonly failure?: string;
  /** When it may be tried again. */
  readonly retryAtMs: number;
}

interface Transfer {
  /** What is wanted: another one begins anew, without the patience of the last. */
  readonly what: string;
  readonly abort: AbortController;
  isRunning: boolean;
  doneBytes: number;
  totalBytes: number;
  failures: number;
  failure?: string;
  retryAtMs: number;
  toldMs: number;
}

export type Work = (options: Pick<TransferOptions, 'signal' | 'onProgress'>) => Promise<void>;

export class Transfers {
  readonly #clock: Clock;
  readonly #tell: (image: string) => void;
  /** By image, then by place. */
  readonly #all = new Map<string, Map<string, Transfer>>();

  /** `tell`: something changed in the transfers of an image. */
  constructor(clock: Clock, tell: (image: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  view(image: string, place: string, what: string): TransferView | undefined {
    const transfer = this.#all.get(image)?.get(place);
    return transfer?.what === what ? transfer : undefined;
  }

  /** Begins `work` unless it is under way or has failed just now. */
  begin(image: string, place: string, what: string, work: Work): void {
    const places = this.#all.get(image) ?? new Map<string, Transfer>();
    this.#all.set(image, places);
    const last = places.get(place);
    const isSame = last?.what === what;
    if (isSame && (last.isRunning || last.retryAtMs > this.#clock.now())) return;
    if (!isSame) last?.abort.abort();
    const transfer: Transfer = {
      what,
      abort: new AbortController(),
      isRunning: true,
      doneBytes: 0,
      totalBytes: 0,
      failures: isSame ? last.failures : 0,
      ...(isSame && last.failure !== undefined ? { failure: last.failure } : {}),
      retryAtMs: 0,
      toldMs: this.#clock.now(),
    };
    places.set(place, transfer);
    void this.#run(image, transfer, work);
  }

  /** Its end is told like its progress. */
  async #run(image: string, transfer: Transfer, work: Work): Promise<void> {
    const { signal } = transfer.abort;
    const onProgress = (doneBytes: number, totalBytes: number) => {
      Object.assign(transfer, { doneBytes, totalBytes });
      if (this.#clock.now() - transfer.toldMs < TELL_MS) return;
      transfer.toldMs = this.#clock.now();
      this.#tell(image);
    };
    try {
      await work({ signal, onProgress });
      delete transfer.failure;
      transfer.failures = 0;
    } catch (error) {
      transfer.failure = error instanceof Error ? error.message : String(error);
      transfer.failures += 1;
      const waitMs = backoffMs(again, transfer.failures, this.#clock.random());
      transfer.retryAtMs = this.#clock.now() + waitMs;
    }
    transfer.isRunning = false;
    if (!signal.aborted) this.#tell(image);
  }

  /** Whoever wants the image no more: all of it, or but these places. */
  cancel(image: string, except: ReadonlySet<string> = new Set()): void {
    const places = this.#all.get(image);
    for (const [place, transfer] of places ?? []) {
      if (except.has(place)) continue;
      transfer.abort.abort();
      places?.delete(place);
    }
    if (places?.size === 0) this.#all.delete(image);
  }

  close(): void {
    for (const image of this.#all.keys()) this.cancel(image);
  }
}
