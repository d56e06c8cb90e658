/**
 * Where the documents of each GitSync are now. Reading runs beside the reconciling, so that a slow repository holds
 * nothing up: a reconcile looks at what was read last, and is called again when something new was.
 */
import { equalJson } from '#api/resources/json.ts';
import { type Backoff, backoffMs } from '#controller/runtime/backoff.ts';
import type { Clock } from '#controller/runtime/clock.ts';
import { SourceError } from './source/tree.ts';
import type { GitSync, Rendered } from './types.ts';

/** Ask for a look at once by changing this annotation. */
export const requestAnnotation = 'bayplan.dev/requested-at';

const defaultIntervalSeconds = 60;
const sourceBackoff: Backoff = { firstMs: 2_000, maxMs: 300_000, factor: 2, jitter: 0.2 };

export interface Fetched {
  readonly revision: string;
  /** `main`, or what else the revision was found by. */
  readonly ref?: string;
  /** The revision before, if it is none of this one's ancestors. */
  readonly rewritten?: string | undefined;
  readonly rendered: Rendered;
}

export interface FetchRequest {
  readonly sync: GitSync;
  /** What was read last, also by the process before us. */
  readonly previous?: string | undefined;
  /** The revision that is in memory. */
  readonly known?: string | undefined;
}

/** How sources are reached; tests put their own in its place. */
export interface Reader {
  /** Asks the source; `same` if it is at the known revision. @throws SourceError */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<Fetched | 'same'>;
  /** What is held of the previous revision, without asking anybody. */
  held(request: FetchRequest, signal: AbortSignal): Promise<Fetched | undefined>;
  /** Calls when the source tells of a change by itself, where it can; gives what ends that. */
  watch(sync: GitSync, changed: () => void): () => void;
  /** The GitSync has gone: nothing of it is kept. */
  forget(uid: string): Promise<void>;
  /** Forgets all but these: of those that went while nobody looked. */
  sweep(uids: ReadonlySet<string>): Promise<void>;
}

export interface SourceView {
  readonly fetched?: Fetched;
  readonly problem?: { readonly reason: string; readonly message: string };
  /** When it is asked next; absent: it is being asked. */
  readonly nextMs?: number;
}

interface State {
  wanted: unknown;
  /** While it is asked. */
  running?: AbortController;
  fetched?: Fetched;
  problem?: { readonly reason: string; readonly message: string };
  failures: number;
  nextMs: number;
  stopWatching: () => void;
}

const wantedOf = ({ metadata, spec }: GitSync): unknown => [
  metadata.uid,
  spec.source,
  spec.path ?? '.',
  metadata.annotations?.[requestAnnotation],
];

const sourceOf = (wanted: unknown): unknown => (wanted as unknown[]).slice(0, 3);

export class Sources {
  readonly #clock: Clock;
  readonly #reader: Reader;
  readonly #changed: (key: string) => void;
  readonly #states = new Map<string, State>();

  /** `changed` is called with the key of each GitSync that has something new to look at. */
  constructor(clock: Clock, reader: Reader, changed: (key: string) => void) {
    this.#clock = clock;
    this.#reader = reader;
    this.#changed = changed;
  }

  /** What is known; begins to ask if that is due. */
  look(key: string, sync: GitSync): SourceView {
    const wanted = wantedOf(sync);
    let state = this.#states.get(key);
    if (state !== undefined && !equalJson(sourceOf(state.wanted), sourceOf(wanted))) {
      this.rest(key);
      state = undefined;
    }
    if (state === undefined) {
      const stopWatching = this.#reader.watch(sync, () => this.#poke(key));
      state = { wanted, failures: 0, nextMs: 0, stopWatching };
      this.#states.set(key, state);
    }
    if (!equalJson(state.wanted, wanted)) Object.assign(state, { wanted, nextMs: 0 });
    if (state.running === undefined && state.nextMs <= this.#clock.now())
      this.#ask(key, sync, state);
    const { fetched, problem, running, nextMs } = state;
    return {
      ...(fetched === undefined ? {} : { fetched }),
      ...(problem === undefined ? {} : { problem }),
      ...(running === undefined ? { nextMs } : {}),
    };
  }

  /** Stops asking and forgets what is in memory. */
  rest(key: string): void {
    const state = this.#states.get(key);
    this.#states.delete(key);
    state?.running?.abort();
    state?.stopWatching();
  }

  stop(): void {
    for (const key of [...this.#states.keys()]) this.rest(key);
  }

  #poke(key: string): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.nextMs = 0;
    this.#changed(key);
  }

  #ask(key: string, sync: GitSync, state: State): void {
    const running = new AbortController();
    state.running = running;
    state.nextMs = Number.POSITIVE_INFINITY;
    void this.#read(sync, state, running.signal).then(() => {
      if (this.#states.get(key) !== state) return;
      delete state.running;
      this.#changed(key);
    });
  }

  async #read(sync: GitSync, state: State, signal: AbortSignal): Promise<void> {
    const previous = state.fetched?.revision ?? sync.status?.attemptedRevision;
    const later = (ms: number) => {
      // A change that was told of meanwhile is looked at at once.
      state.nextMs = Math.min(state.nextMs, this.#clock.now() + ms);
    };
    try {
      const known = state.fetched?.revision;
      const fetched = await this.#reader.fetch({ sync, previous, known }, signal);
      if (fetched !== 'same') state.fetched = fetched;
      delete state.problem;
      state.failures = 0;
      const { intervalSeconds = defaultIntervalSeconds } = sync.spec;
      later(intervalSeconds * 1_000 * (1 + 0.1 * this.#clock.random()));
    } catch (error) {
      const reason = error instanceof SourceError ? error.reason : 'Failed';
      state.problem = { reason, message: error instanceof Error ? error.message : String(error) };
      state.failures += 1;
      later(backoffMs(sourceBackoff, state.failures, this.#clock.random()));
      const held = state.fetched ?? (await this.#held(sync, previous, signal));
      if (held !== undefined) state.fetched = held;
    }
  }

  /** Of what was followed before, drift is corrected although the source does not answer. */
  async #held(sync: GitSync, previous: string | undefined, signal: AbortSignal) {
    try {
      return await this.#reader.held({ sync, previous }, signal);
    } catch {
      return undefined;
    }
  }
}
