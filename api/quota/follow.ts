/** Which namespaces have quotas, and when their use is to be counted again. */
import type { CacheEvent } from '../storage/cache-event.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { type Quotas, quotaPrefix } from './quotas.ts';

/** What happens together is counted once. */
const gatherMs = 20;
/** Kubernetes' `--resource-quota-sync-period`: pods whose time to end has passed are found then. */
const allMs = 5 * 60_000;

/** Kinds whose objects use more or less as they change. */
const changing = [
  '/registry/pods/',
  '/registry/services/specs/',
  '/registry/persistentvolumeclaims/',
];

const namespaceOf = (key: string): string => {
  const end = key.lastIndexOf('/');
  return key.slice(key.lastIndexOf('/', end - 1) + 1, end);
};

export class QuotaFollower {
  readonly #cache: WatchCache;
  readonly #report: (error: unknown) => void;
  /** How many quotas a namespace has; those without are not here. */
  readonly #counts = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #quotas: Quotas | undefined;
  #stops: (() => void)[] = [];
  #stopAll: (() => void) | undefined;

  constructor(cache: WatchCache, report: (error: unknown) => void) {
    this.#cache = cache;
    this.#report = report;
  }

  /** Whether anything in the namespace is counted. */
  has(namespace: string): boolean {
    return this.#counts.has(namespace);
  }

  start(quotas: Quotas): void {
    this.#quotas = quotas;
    for (const { key } of this.#cache.list(quotaPrefix).entries) this.#known(key, 1);
    for (const namespace of this.#counts.keys()) this.due(namespace);
    const follow = (events: readonly CacheEvent[]) => {
      for (const { type, key } of events) {
        if (type !== 'MODIFIED') this.#known(key, type === 'ADDED' ? 1 : -1);
        if (type !== 'DELETED') this.due(namespaceOf(key));
      }
    };
    this.#stops.push(this.#cache.watch(quotaPrefix, this.#cache.revision, follow));
    const timer = setInterval(() => {
      for (const namespace of this.#counts.keys()) this.due(namespace);
    }, allMs).unref();
    this.#stops.push(() => clearInterval(timer));
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#stopAll?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** The namespace's quotas are counted soon. */
  due(namespace: string): void {
    if (!this.has(namespace) || this.#timers.has(namespace)) return;
    const run = () => {
      this.#timers.delete(namespace);
      this.#quotas?.recount(namespace).catch(this.#report);
    };
    this.#timers.set(namespace, setTimeout(run, gatherMs));
  }

  #known(key: string, more: number): void {
    const namespace = namespaceOf(key);
    const quotas = (this.#counts.get(namespace) ?? 0) + more;
    if (quotas > 0) this.#counts.set(namespace, quotas);
    else this.#counts.delete(namespace);
    // Where there are no quotas nothing is listened to.
    if (this.#counts.size > 0) {
      this.#stopAll ??= this.#cache.watch('/registry/', this.#cache.revision, (events) =>
        this.#changed(events),
      );
    } else {
      this.#stopAll?.();
      this.#stopAll = undefined;
    }
  }

  #changed(events: readonly CacheEvent[]): void {
    for (const { type, key } of events) {
      const matters =
        type === 'DELETED' ||
        (type === 'MODIFIED' && changing.some((prefix) => key.startsWith(prefix)));
      if (matters) this.due(namespaceOf(key));
    }
  }
}
