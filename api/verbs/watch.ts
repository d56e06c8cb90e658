/** GET of a collection with `watch`: the present state if asked for, then every change, until time is over. */
import type { StatusError } from '#api/resources/status.ts';
import { badRequest, expired } from '#api/resources/status.ts';
import type { CacheEvent } from '../storage/cache-event.ts';
import type { Entry } from '../storage/entry.ts';
import { Compacted } from '../storage/storage.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import type { Flushed } from './flush-clock.ts';
import { type ApiContext, type ApiRequest, storageKey, storageRange } from './request.ts';
import { reach, type WatchStart, watchStart } from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import { type EventForm, Frames } from './watch-frames.ts';
import type { Watchers } from './watchers.ts';

/** Where a watch writes to. */
export interface WatchSink {
  /** The client sees that the watch is accepted. */
  open(): void;
  /** Whole events, each in one piece or several. */
  write(frames: readonly (Buffer | readonly Buffer[])[]): void;
  end(): void;
  /** Cuts the answer off: the client must list again. */
  abort(): void;
  /** Bytes written that the client has not taken yet. */
  readonly backlog: number;
  /** Resolves when the client can take more, or is gone. */
  drained(): Promise<void>;
  /** Called once when the client goes or the watch has ended. */
  onClose(closed: () => void): void;
}

/** A client that lets this much pile up is closed and lists again: nothing is buffered without bound. */
const backlogBytesMax = 16 * 1024 * 1024;
/** How much of the present state is put together before the event loop may do something else. */
const initialChunkBytes = 256 * 1024;
/** kube-apiserver's `--min-request-timeout`; watches without a time of their own get once or twice that. */
const defaultSeconds = 1800;

export interface PreparedWatch {
  readonly start: WatchStart;
  readonly selection: Selection;
  readonly seconds: number;
  readonly bookmarks: boolean;
}

/** What there is to know of the request; throws 400, 422 and 504 before anything is sent. */
export async function prepareWatch(
  { kind, query, name }: ApiRequest,
  { cache }: ApiContext,
): Promise<PreparedWatch> {
  const timeout = query.get('timeoutSeconds') ?? '';
  if (timeout !== '' && !/^\d+$/.test(timeout)) {
    throw badRequest(`timeoutSeconds: Invalid value: ${JSON.stringify(timeout)}: must be a number`);
  }
  const start = watchStart(query);
  // The older form `/watch/…/name` watches one object.
  const fields = name === undefined ? query : withName(query, name);
  const selection = selectionOf(kind, fields);
  await reach(cache, start.notOlderThan);
  const bookmarks = query.get('allowWatchBookmarks');
  return {
    start,
    selection,
    seconds: Number(timeout) > 0 ? Number(timeout) : defaultSeconds * (1 + Math.random()),
    bookmarks: bookmarks === 'true' || bookmarks === '1',
  };
}

function withName(query: URLSearchParams, name: string): URLSearchParams {
  const copy = new URLSearchParams(query);
  const own = query.get('fieldSelector');
  copy.set('fieldSelector', `${own ? `${own},` : ''}metadata.name=${name}`);
  return copy;
}

/** Runs the watch; returns at once, the rest happens as changes come. */
export function serveWatch(
  request: ApiRequest,
  { cache, watchers }: ApiContext & { readonly watchers: Watchers },
  prepared: PreparedWatch,
  sink: WatchSink,
  form: EventForm | undefined,
): void {
  const scope = scopeOf(request, prepared.selection);
  const one = !scope.endsWith('/') && prepared.selection.nameAlone;
  // Within a scope of one key a selection of just this key selects all.
  const selection = one ? { ...prepared.selection, all: true } : prepared.selection;
  const frames = new Frames(request.kind, selection, form);
  const run = new Run({ cache, scope, frames, sink, watchers });
  const marks = prepared.bookmarks || prepared.start.markInitialEnd;
  const remove = watchers.add({
    bookmark: marks ? () => run.bookmark() : undefined,
    end: () => run.end(marks),
  });
  const timer = setTimeout(() => run.end(marks), prepared.seconds * 1000).unref();
  sink.onClose(() => {
    clearTimeout(timer);
    remove();
    run.stop();
  });
  sink.open();
  void run.start({ ...prepared, selection });
}

/** One key if only one object can be meant. */
function scopeOf({ kind, namespace }: ApiRequest, { name }: Selection): string {
  const one = name !== undefined && (namespace !== undefined || !kind.namespaced);
  return one ? storageKey(kind, namespace, name) : storageRange(kind, namespace);
}

interface Parts {
  readonly cache: WatchCache;
  readonly scope: string;
  readonly frames: Frames;
  readonly sink: WatchSink;
  readonly watchers: Watchers;
}

/** With fewer watches open each event is written at once. */
const manyWatches = 100;

class Run implements Flushed {
  readonly #cache: WatchCache;
  readonly #scope: string;
  readonly #frames: Frames;
  readonly #sink: WatchSink;
  readonly #watchers: Watchers;
  #unfollow: (() => void) | undefined;
  #stopped = false;
  /** Events that wait for the clock, and the time in which the last ones were written. */
  #waiting: Buffer[] = [];
  #lastTick = -1;

  constructor({ cache, scope, frames, sink, watchers }: Parts) {
    this.#cache = cache;
    this.#scope = scope;
    this.#frames = frames;
    this.#sink = sink;
    this.#watchers = watchers;
  }

  async start({ start, selection }: PreparedWatch): Promise<void> {
    const { from, markInitialEnd } = start;
    if (from !== undefined) {
      this.#follow(from === 'now' ? this.#cache.revision : from);
      return;
    }
    const since = await this.#present(selection);
    if (this.#stopped) return;
    if (markInitialEnd) this.#sink.write([this.#frames.bookmark(since, true)]);
    this.#follow(since);
  }

  /** Nothing is missed between two events: the cache tells its watchers at once. */
  bookmark(): void {
    if (this.#unfollow === undefined) return;
    this.flush();
    this.#sink.write([this.#frames.bookmark(this.#cache.revision, false)]);
  }

  end(marked: boolean): void {
    if (this.#stopped) return;
    this.flush();
    if (marked) this.bookmark();
    this.stop();
    this.#sink.end();
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  /** Sends the present state as ADDED; the revision it was of. */
  async #present(selection: Selection): Promise<number> {
    const { entries, revision } = this.#entries();
    let chunk: (readonly Buffer[])[] = [];
    let bytes = 0;
    for (const entry of entries) {
      if (!selection.all && !selection.matches(entry)) continue;
      chunk.push(this.#frames.partsOf('ADDED', entry));
      bytes += entry.size;
      if (bytes < initialChunkBytes) continue;
      this.#sink.write(chunk);
      chunk = [];
      bytes = 0;
      await this.#sink.drained();
      if (this.#stopped) return revision;
    }
    if (chunk.length > 0) this.#sink.write(chunk);
    return revision;
  }

  #entries(): { entries: readonly Entry[]; revision: number } {
    if (this.#scope.endsWith('/')) return this.#cache.list(this.#scope);
    const entry = this.#cache.get(this.#scope);
    return { entries: entry === undefined ? [] : [entry], revision: this.#cache.revision };
  }

  #follow(revision: number): void {
    try {
      this.#unfollow = this.#cache.watch(this.#scope, revision, (events) => this.#send(events));
      // What was missed is sent within the call, and the client may have had to be cut off for it.
      if (this.#stopped) this.stop();
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
      // As Kubernetes tells it: an event in the stream, which every client takes for "list again".
      this.#fail(expired(`too old resource version: ${revision} (${error.compactRevision})`));
    }
  }

  #send(events: readonly CacheEvent[]): void {
    if (this.#stopped) return;
    const { length } = this.#waiting;
    for (const event of events) {
      const frame = this.#frames.ofEvent(event);
      if (frame !== undefined) this.#waiting.push(frame);
    }
    if (this.#waiting.length === length) return;
    const { flushClock, size } = this.#watchers;
    if (size < manyWatches || !flushClock.isRunning(this.#lastTick)) this.flush();
    else if (length === 0) flushClock.wait(this);
  }

  /** Writes the events that wait, and cuts a client off that does not take them. */
  flush(): void {
    if (this.#stopped || this.#waiting.length === 0) return;
    const frames = this.#waiting;
    this.#waiting = [];
    if (this.#watchers.size >= manyWatches) this.#lastTick = this.#watchers.flushClock.begin();
    this.#sink.write(frames);
    if (this.#sink.backlog <= backlogBytesMax) return;
    this.stop();
    this.#sink.abort();
  }

  #fail(error: StatusError): void {
    this.#sink.write([this.#frames.error(error)]);
    this.stop();
    this.#sink.end();
  }
}
