/**
 * One of several replicas works, the others wait: a Lease says which. Kubernetes' elector renews every 2 s under a lease
 * of 15 s. With one controller process a cluster, which its keeper restarts under the same identity and which so goes on
 * at once with its own lease, there is no hurry: renewing every 10 s costs a fifth of that.
 */

import { Observable } from 'rxjs/internal/Observable';
import { EMPTY } from 'rxjs/internal/observable/empty';
import { distinctUntilChanged } from 'rxjs/internal/operators/distinctUntilChanged';
import { switchMap } from 'rxjs/internal/operators/switchMap';
import type { Collection } from '#api/client/collection.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Lease } from '#api/resources/types.ts';
import { backoffMs, connectBackoff } from './backoff.ts';
import { type Clock, microTimestamp, sleep, systemClock } from './clock.ts';

export interface LeadershipOptions {
  readonly namespace: string;
  readonly name: string;
  /** Different for each replica that can run at the same time; the same after a restart. */
  readonly identity: string;
  readonly clock?: Clock;
  readonly onProblem?: (error: unknown) => void;
}

/** How long others keep away after the last renewal they saw. */
const leaseMs = 30_000;
/** Without a renewal for this long the leader stops by itself, well before others may begin. */
const deadlineMs = 20_000;
const renewMs = 10_000;
/** One request may take this long: a renewal that hangs must not outlast the deadline. */
const requestMs = 5_000;

/** Runs the work while `leading$` says true; unsubscribes from it when that ends. */
export const whileLeading = <T>(
  leading$: Observable<boolean>,
  work: () => Observable<T>,
): Observable<T> =>
  leading$.pipe(
    distinctUntilChanged(),
    switchMap((leading) => (leading ? work() : EMPTY)),
  );

export class Leadership {
  readonly #leases: Collection<Lease>;
  readonly #options: LeadershipOptions;
  readonly #clock: Clock;
  /** The lease of another as we saw it last, and when by our own clock: clocks of machines differ. */
  #other: { readonly version: string; readonly seenMs: number } | undefined;
  #held: Lease | undefined;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(leases: Collection<Lease>, options: LeadershipOptions) {
    this.#leases = leases;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Whether we lead, from now on. Subscribe once. Never errors; unsubscribing stops renewing, `release` hands over. */
  readonly leading$: Observable<boolean> = new Observable((subscriber) => {
    const abort = new AbortController();
    void this.#run(abort.signal, (leading) => subscriber.next(leading));
    return () => abort.abort();
  });

  /**
   * Whether the lease was renewed so lately that nobody else can lead: asked before each write. The clock goes on while a
   * process is stopped, so that one which wakes up late knows at once.
   */
  get isFresh(): boolean {
    return this.#clock.now() - this.#renewedMs < deadlineMs;
  }

  /** Lets another begin at once instead of when the lease ends. Best effort. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    await this.#leases
      .update({ ...held, spec: { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1 } })
      .catch((error) => this.#options.onProblem?.(error));
  }

  async #run(signal: AbortSignal, tell: (leading: boolean) => void): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = renewMs;
      try {
        // When it was asked for counts: that is what others see.
        const askedMs = this.#clock.now();
        const leading = await this.#inTime(signal);
        failures = 0;
        this.#renewedMs = leading ? askedMs : Number.NEGATIVE_INFINITY;
        if (!signal.aborted) tell(leading);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#options.onProblem?.(error);
        waitMs = backoffMs(connectBackoff, failures, this.#clock.random());
        if (!this.isFresh) tell(false);
      }
      await sleep(this.#clock, waitMs, signal);
    }
  }

  async #inTime(signal: AbortSignal): Promise<boolean> {
    const request = new AbortController();
    const abort = () => request.abort(new Error(`no answer within ${requestMs} ms`));
    const timer = this.#clock.setTimeout(abort, requestMs);
    signal.addEventListener('abort', abort);
    try {
      return await this.#acquire(request.signal);
    } finally {
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** One try: takes, renews, or finds that another leads. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const now = microTimestamp(this.#clock.now());
    const lease = this.#held ?? (await this.#read(signal));
    if (lease !== undefined && !this.#mayTake(lease)) return false;
    const mine = lease?.spec?.holderIdentity === identity;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: leaseMs / 1_000,
      acquireTime: (mine ? lease.spec?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions:
        (lease?.spec?.leaseTransitions ?? 0) + (lease === undefined || mine ? 0 : 1),
    };
    const metadata = lease?.metadata ?? { name, namespace };
    const next: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec,
    };
    try {
      const write = lease === undefined ? this.#leases.create : this.#leases.update;
      this.#held = await write.call(this.#leases, next, signal);
      return true;
    } catch (error) {
      this.#held = undefined;
      if (hasReason(error, 'Conflict') || hasReason(error, 'AlreadyExists')) return false;
      throw error;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name } = this.#options;
    try {
      return await this.#leases.get({ namespace, name }, signal);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #mayTake(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity ?? '';
    if (holder === '' || holder === this.#options.identity) return true;
    const version = lease.metadata.resourceVersion ?? '';
    if (this.#other?.version !== version) {
      this.#other = { version, seenMs: this.#clock.now() };
      return false;
    }
    const seconds = lease.spec?.leaseDurationSeconds ?? leaseMs / 1_000;
    return this.#clock.now() - this.#other.seenMs > seconds * 1_000;
  }
}
