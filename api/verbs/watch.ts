/** GET of a collection with `watch`: the present state if asked for, then every change, until time is over. */
import type { StatusError } from '#api/resources/status.ts';
import { badRequest, expired } from '#api/resources/status.ts';
import type { CacheEvent } from '../storage/cache-event.ts';
import type { Entry } from '../storage/entry.ts';
import { Compacted } from '../storage/storage.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { type ApiContext, type ApiRequest, storageKey, storageRange } from './request.ts';
import { reach, type WatchStart, watchStart } from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import { type EventForm, Frames } from './watch-frames.ts';
import type { Watchers } from './watchers.ts';

/** Where a watch writes to. */
export interface WatchSink {
  /** The client sees that the watch is accepted. */
  open(): void;
  /** Whole events. */
  write(frames: readonly Buffer[]): void;
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
  const frames = new Frames(request.kind, prepared.selection, form);
  const run = new Run(cache, scopeOf(request, prepared.selection), frames, sink);
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
  void run.start(prepared);
}

/** One key if only one object can be meant. */
function scopeOf({ kind, namespace }: ApiRequest, { name }: Selection): string {
  const one = name !== undefined && (namespace !== undefined || !kind.namespaced);
  return one ? storageKey(kind, namespace, name) : storageRange(kind, namespace);
}

class Run {
  readonly #cache: WatchCache;
  readonly #scope: string;
  readonly #frames: Frames;
  readonly #sink: WatchSink;
  #unfollow: (() => void) | undefined;
  #stopped = false;

  constructor(cache: WatchCache, scope: string, frames: Frames, sink: WatchSink) {
    this.#cache = cache;
    this.#scope = scope;
    this.#frames = frames;
    this.#sink = sink;
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
    this.#sink.write([this.#frames.bookmark(this.#cache.revision, false)]);
  }

  end(marked: boolean): void {
    if (this.#stopped) return;
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
    let chunk: Buffer[] = [];
    let bytes = 0;
    for (const entry of entries) {
      if (!selection.all && !selection.matches(entry)) continue;
      const frame = this.#frames.ofEntry('ADDED', entry);
      chunk.push(frame);
      bytes += frame.length;
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
    const frames = events
      .map((event) => this.#frames.ofEvent(event))
      .filter((frame) => frame !== undefined);
    if (frames.length === 0 || this.#stopped) return;
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
