/**
 * The latest changes, so that a watch can start in the past and a list can be answered as of an earlier revision.
 * Bounded by bytes; what is older than the age nobody resumes from is kept only while it is small.
 */
import type { CacheEvent } from './cache-event.ts';
import type { Entry } from './entry.ts';
import { lowerBound } from './lower-bound.ts';
import { Compacted } from './storage.ts';

export interface HistoryLimits {
  /** Never more than this, whatever the age. */
  readonly bytesMax: number;
  /** Changes older than `ageMsMin` are kept only up to this. */
  readonly oldBytesMax: number;
  readonly ageMsMin: number;
}

/** kube-apiserver's watch cache holds at least 75 s (`eventFreshDuration`). */
export const historyLimits: HistoryLimits = {
  bytesMax: 64 * 2 ** 20,
  oldBytesMax: 2 * 2 ** 20,
  ageMsMin: 75_000,
};

/** What an event takes besides its object's bytes, roughly. */
const eventOverheadBytes = 400;

export class History {
  #events: CacheEvent[] = [];
  /** Events before this index are dropped; the array is cut when they are many. */
  #first = 0;
  #bytes = 0;
  #floor: number;
  /** The oldest state that can be put together again. */
  #stateFloor = 0;
  readonly #limits: HistoryLimits;

  constructor(floor: number, limits: HistoryLimits) {
    this.#floor = floor;
    this.#limits = limits;
  }

  /** All changes after this revision are held. */
  get floor(): number {
    return this.#floor;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    this.prune(event.time);
  }

  /** No state before this revision is given any more. */
  forgetStates(before: number): void {
    this.#stateFloor = Math.max(this.#stateFloor, before);
  }

  /** Forgets everything: what happened before `floor` is not known without gaps. */
  reset(floor: number): void {
    this.#events = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#floor = floor;
  }

  /** The changes after `revision`, oldest first. Throws `Compacted` if some of them are gone. */
  after(revision: number): CacheEvent[] {
    if (revision < this.#floor) throw new Compacted(this.#floor);
    const start = lowerBound(this.#events, (event) => event.revision > revision);
    return this.#events.slice(Math.max(start, this.#first));
  }

  /**
   * What has to be put back to see the keys from `from` to `to` (exclusive) as they were at `revision`: per key the
   * entry then, or `undefined` where there was none. Throws `Compacted` as `after`.
   */
  undo(revision: number, from: string, to: string): Map<string, Entry | undefined> {
    if (revision < this.#stateFloor) throw new Compacted(this.#stateFloor);
    const then = new Map<string, Entry | undefined>();
    for (const event of this.after(revision)) {
      const { key } = event;
      if (key >= from && key < to && !then.has(key)) then.set(key, event.previous);
    }
    return then;
  }

  /** Drops what need not be kept any more: with each event, and by a clock where none come. */
  prune(now: number): void {
    const { bytesMax, oldBytesMax, ageMsMin } = this.#limits;
    for (;;) {
      const oldest = this.#events[this.#first];
      if (oldest === undefined) break;
      const old = now - oldest.time > ageMsMin;
      if (this.#bytes <= (old ? oldBytesMax : bytesMax)) break;
      this.#bytes -= sizeOf(oldest);
      this.#floor = oldest.revision;
      this.#first++;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }
}

function sizeOf(event: CacheEvent): number {
  return event.entry.size + eventOverheadBytes;
}
