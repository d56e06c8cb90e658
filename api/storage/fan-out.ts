/**
 * Who watches what. Watchers are found by the parts of a changed key (`/registry/pods/default/a` →
 * `/registry/`, `/registry/pods/`, `/registry/pods/default/`, the key itself), so a change costs nothing to those who
 * watch something else.
 */
import type { CacheEvent } from './cache-event.ts';

export type Listener = (events: readonly CacheEvent[]) => void;

interface Watcher {
  readonly listener: Listener;
  /** The last revision the listener knows of. */
  after: number;
}

export class FanOut {
  readonly #watchers = new Map<string, Set<Watcher>>();

  /**
   * Hands events under `scope` with a revision above `after` to the listener from now on. A scope that ends in `/`
   * means all keys below, any other one key. Returns what stops it.
   */
  add(scope: string, after: number, listener: Listener): () => void {
    const watcher: Watcher = { listener, after };
    const group = this.#watchers.get(scope) ?? new Set();
    this.#watchers.set(scope, group.add(watcher));
    return () => {
      group.delete(watcher);
      if (group.size === 0 && this.#watchers.get(scope) === group) this.#watchers.delete(scope);
    };
  }

  /** Tells everybody concerned, at once; each listener is called at most once. */
  dispatch(events: readonly CacheEvent[]): void {
    const [only] = events;
    if (events.length === 1 && only !== undefined) {
      for (const group of this.#groupsOf(only.key)) tell(group, events);
      return;
    }
    const concerned = new Map<Set<Watcher>, CacheEvent[]>();
    for (const event of events) {
      for (const group of this.#groupsOf(event.key)) {
        const theirs = concerned.get(group);
        if (theirs === undefined) concerned.set(group, [event]);
        else theirs.push(event);
      }
    }
    for (const [group, theirs] of concerned) tell(group, theirs);
  }

  #groupsOf(key: string): Set<Watcher>[] {
    const groups: Set<Watcher>[] = [];
    for (let end = key.indexOf('/', 1); end > 0; end = key.indexOf('/', end + 1)) {
      const group = this.#watchers.get(key.slice(0, end + 1));
      if (group !== undefined) groups.push(group);
    }
    const exact = this.#watchers.get(key);
    if (exact !== undefined) groups.push(exact);
    return groups;
  }
}

/** A listener that is added meanwhile already knows these events: its `after` says so. */
function tell(group: Set<Watcher>, events: readonly CacheEvent[]): void {
  const first = events[0]?.revision ?? 0;
  const last = events.at(-1)?.revision ?? 0;
  for (const watcher of group) {
    const { after } = watcher;
    if (last <= after) continue;
    watcher.after = last;
    const news = first > after ? events : events.filter((event) => event.revision > after);
    try {
      watcher.listener(news);
    } catch (error) {
      // A listener's fault must not keep the others from their events, nor go unnoticed.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
